#pragma once

namespace strata {

/// From here on a mapped file that becomes shorter while it is read, or whose storage fails or is full (/dev/shm), ends
/// the process with `error: PATH: …` and exit code 1, where SIGBUS would end it without a word. For programs: it takes
/// that signal.
void name_lost_mappings();

}  // namespace strata
