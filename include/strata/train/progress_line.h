#pragma once

namespace strata::train {

/// Leaves the progress line of a terminal as it is, so that a message begins on a line of its own. Elsewhere nothing.
void leave_progress_line();

}  // namespace strata::train
