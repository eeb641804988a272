#pragma once

#include <cstdint>

namespace strata::train {

/// From now on a pipe that nobody reads any more (SIGPIPE: `| head`, a tee that Ctrl-C ended) and a limit on the size
/// of files (SIGXFSZ) make the write fail that meets them, and do not end the process.
void outlive_failing_writes();

/// From now on SIGINT, SIGTERM and SIGHUP (unless nohup has it ignored) ask the run to stop, and a second one ends the
/// process at once; so does the time when `grace_seconds` (0: any number) have passed since the first. SIGUSR1 asks for
/// a checkpoint. says: a process that tells of the first one on stderr.
void listen_for_signals(int64_t grace_seconds, bool says);

/// The signal that asked the run to stop, or 0.
int stop_signal();

/// Whether half of the grace has passed since then: what is left is for saving.
bool is_time_to_save();

/// Whether SIGUSR1 came since the last call.
bool take_save_request();

}  // namespace strata::train
