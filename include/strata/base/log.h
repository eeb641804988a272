#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// What the program says to people. Results that another program may read go to stdout without this. Everything here
/// also goes to the log file where there is one, and is made visible(). Safe to call from several threads.
namespace strata::log {

/// Messages, on stderr.
void info(std::string_view message);
void warn(std::string_view message);
void error(std::string_view message);

/// What a run says of itself, on stdout: header, totals, results. Several lines may be one text. On a terminal it is
/// wrapped().
void say(std::string_view text);

/// What was asked for, on stdout: tables, help. Not for the log file. On a terminal it is wrapped(); elsewhere a line
/// stays a line, unless the text is to have at most so many columns in any case.
void show(std::string_view text, size_t columns_elsewhere = std::string::npos);

/// Into the log file alone.
void note(std::string_view text);

/// A part of a line of progress. Where the line is wider than the terminal, the parts with the least `keep` are left
/// out, those on the right first.
struct Part {
  std::string text;
  int keep = 0;
};

/// How far something is, on stdout: on a terminal one line that stays in place until something else is said, elsewhere
/// a line each time.
void progress(const std::vector<Part>& parts);
/// Seconds until the next line of progress is worth its place: half a second where it stays in place, elsewhere 5 s and
/// more, the longer the program runs, up to 5 minutes.
double progress_interval();
/// Says when a next line of progress is due, progress_interval() after the last.
class Pace {
 public:
  /// Whether it is time; if so, the interval begins anew.
  bool is_due();

 private:
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};
/// Before other output to stdout: leaves the line as it is, so that the output begins on a line of its own.
void end_progress();

/// The parts on one line of at most so many columns.
std::string fitted(const std::vector<Part>& parts, size_t columns);

/// Tells what the program waits for, for as long as this lives: after 5 s, and again after ever longer times. Where it
/// is quiet(), that is a warning.
class Wait {
 public:
  explicit Wait(std::string what);
  ~Wait();
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

 private:
  struct Teller;
  std::unique_ptr<Teller> teller_;
};

/// What a signal that ends the process (SIGINT, SIGTERM, SIGHUP) says on stderr while this lives: what stays of the
/// work. Of several the youngest speaks, --quiet or not. Where a signal is ignored or does something else, that stays
/// so.
class LastWords {
 public:
  explicit LastWords(const std::string& words);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  std::string line_;
  const char* before_;
};

/// A file to which everything is also appended as long as this lives.
class File {
 public:
  /// Throws Error if it cannot be opened.
  explicit File(const std::filesystem::path& path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

/// Begins warnings and errors with this from now on: which of several workers they come from.
void speak_as(const std::string& speaker);

/// Only warnings and errors from now on, and no progress (--quiet, ranks other than 0). A log file gets all of it
/// still.
void quiet();

/// This process has no LastWords from now on: the first worker of its host says them for all.
void without_last_words();

}  // namespace strata::log
