#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "file_descriptor.h"
#include "strata/workers/launcher.h"

namespace strata::workers {

/// Cuts a stream into lines: pieces that end with a newline, or with the carriage return of a progress line.
class LineCutter {
 public:
  /// Lines that are complete now, with what ends them. A line of a megabyte is cut.
  std::vector<std::string> cut(std::string_view bytes);
  /// What was left without an end; gets a newline.
  std::vector<std::string> rest();

 private:
  std::string waiting_;
};

/// Where a worker's stream goes.
struct OutputSink {
  int worker = 0;                   // whoever asks for its end and its last lines
  int console = -1;                 // descriptor, or none
  std::string prefix = {};          // of every line on the console
  std::filesystem::path file = {};  // or none
  bool keeps_last_lines = false;
};

/// Passes on what workers write, line by line, in a thread of its own: a console that stands still holds up nobody who
/// watches workers. May be used from one other thread.
class OutputPump {
 public:
  OutputPump();
  /// Gives up what no console takes.
  ~OutputPump();
  OutputPump(const OutputPump&) = delete;
  OutputPump& operator=(const OutputPump&) = delete;

  /// Reads until all writers have closed it. Throws Error if the sink's file cannot be opened.
  void add(FileDescriptor source, const OutputSink& sink);
  /// The worker has ended: passes on what is there, and waits for no other writer. Whether that is done within
  /// `timeout`.
  bool finish(int worker, Store::Seconds timeout);
  /// At most ten.
  std::vector<std::string> last_lines(int worker) const;
  /// Forgets the last lines of all workers; all must have ended.
  void forget();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace strata::workers
