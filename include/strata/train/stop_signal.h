#pragma once

namespace strata::train {

/// From now on SIGINT and SIGTERM ask the run to stop after the step that is under way; a second one ends the process
/// at once.
void listen_for_stop_signals();

/// The signal that asked, or 0.
int stop_signal();

}  // namespace strata::train
