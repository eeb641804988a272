// The only source that sees spdlog: torch bundles another version of fmt.
#include "strata/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <optional>
#include <ranges>
#include <thread>

#include "strata/base/check.h"
#include "strata/base/terminal.h"
#include "strata/base/text.h"

namespace strata::log {
namespace {

using Clock = std::chrono::steady_clock;
using spdlog::level::level_enum;

// What spdlog itself complains of: a full disk under a log file.
void tell_once(const std::string& problem) {
  static std::once_flag told;
  std::call_once(told, [&] { std::cerr << "warning: the log: " << visible(problem) << "\n"; });
}

// Files come and go while other threads log.
struct Sinks {
  std::shared_ptr<spdlog::sinks::stderr_sink_mt> console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  std::shared_ptr<spdlog::sinks::dist_sink_mt> files = std::make_shared<spdlog::sinks::dist_sink_mt>();
  spdlog::logger messages{"strata", {console, files}};
  spdlog::logger for_files{"strata", files};

  Sinks() {
    console->set_pattern("%v");
    messages.flush_on(level_enum::info);
    for_files.flush_on(level_enum::info);
    for (spdlog::logger* logger : {&messages, &for_files}) logger->set_error_handler(tell_once);
  }
};

Sinks& sinks() {
  static Sinks instance;
  return instance;
}

std::string& current_speaker() {
  static std::string speaker;
  return speaker;
}

bool stays_in_place() {
  static const bool does = [] {
    const char* terminal = std::getenv("TERM");
    return isatty(STDOUT_FILENO) != 0 && (terminal == nullptr || std::string_view(terminal) != "dumb");
  }();
  return does;
}

// Fewer lines the longer it takes: a night's run has hundreds, not thousands.
double interval_of_lines() {
  static const Clock::time_point begun = Clock::now();
  return std::clamp(0.05 * std::chrono::duration<double>(Clock::now() - begun).count(), 5.0, 300.0);
}

std::atomic<bool> is_quiet = false;
std::atomic<bool> is_progress_shown = false;

void write(level_enum level, std::string_view message) {
  end_progress();
  sinks().messages.log(level, visible(message));
}

// "[rank 3] error: <message>"
std::string spoken(const char* kind, std::string_view message) { return (current_speaker() + kind).append(message); }

// Into the files, where lines of progress come as seldom as they do where there is no terminal.
void note_progress(const std::string& line) {
  static std::mutex mutex;
  static std::optional<Clock::time_point> noted;
  const std::scoped_lock lock(mutex);
  const auto now = Clock::now();
  const bool is_due = !noted || std::chrono::duration<double>(now - *noted).count() >= interval_of_lines();
  if (stays_in_place() && !is_due) return;
  noted = now;
  sinks().for_files.info(line);
}

std::atomic<const char*> last_words = nullptr;
std::atomic<bool> has_last_words = true;
static_assert(std::atomic<const char*>::is_always_lock_free);

// A handler; the signal's default action, which is the process's end, is back when it is called.
void say_last_words(int signal) {
  const auto put = [](const char* text) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
  };
  if (is_progress_shown) put("\n");
  if (const char* line = last_words; line != nullptr && has_last_words) put(line);
  raise(signal);
}

}  // namespace

void info(std::string_view message) { write(level_enum::info, message); }
void warn(std::string_view message) { write(level_enum::warn, spoken("warning: ", message)); }
void error(std::string_view message) { write(level_enum::err, spoken("error: ", message)); }

void say(std::string_view text) {
  const std::string shown = visible(text.substr(0, text.find_last_not_of('\n') + 1));
  if (!is_quiet) show(shown + '\n');
  sinks().for_files.info(shown);
}

void show(std::string_view text, size_t columns_elsewhere) {
  end_progress();
  std::cout << wrapped_for_stdout(text, columns_elsewhere) << std::flush;
}

void note(std::string_view text) { sinks().for_files.info(visible(text)); }

std::string fitted(const std::vector<Part>& parts, size_t columns) {
  std::vector<Part> left = parts;
  const auto line = [&] {
    std::string text;
    for (const Part& part : left) {
      if (!text.empty()) text += part.text.starts_with('(') ? " " : "  ";
      text += part.text;
    }
    return text;
  };
  while (left.size() > 1 && columns_of(line()) > columns) {
    left.erase(std::next(std::ranges::min_element(left | std::views::reverse, {}, &Part::keep)).base());
  }
  return line();
}

double progress_interval() { return stays_in_place() ? 0.5 : interval_of_lines(); }

bool Pace::is_due() {
  const Clock::time_point now = Clock::now();
  const std::chrono::duration<double> since = now - said_;
  if (since.count() < progress_interval()) return false;
  said_ = now;
  return true;
}

void progress(const std::vector<Part>& parts) {
  const std::string line = visible(fitted(parts, std::string::npos));
  note_progress(line);
  if (is_quiet) return;
  if (stays_in_place()) {
    // The last column stays free: a line that fills the width would begin the next one.
    std::cout << '\r' << visible(fitted(parts, terminal_columns() - 1)) << "\033[J" << std::flush;
    is_progress_shown = true;
  } else {
    std::cout << line << '\n' << std::flush;
  }
}

void end_progress() {
  if (is_progress_shown.exchange(false)) std::cout << '\n' << std::flush;
}

struct Wait::Teller {
  explicit Teller(std::string what)
      : thread([this, what = std::move(what)](const std::stop_token& stop) { tell(what, stop); }) {}

  void tell(const std::string& what, const std::stop_token& stop) {
    const Clock::time_point begun = Clock::now();
    std::unique_lock lock(mutex);
    for (auto pause = std::chrono::seconds(5);; pause *= 2) {
      ended.wait_for(lock, stop, pause, [] { return false; });
      if (stop.stop_requested()) return;
      const auto passed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun);
      const auto speak = is_quiet ? warn : info;  // a worker that waits for the first one says so too
      speak(str("waiting for ", what, ", for ", passed.count(), " s now (Ctrl-C ends it)"));
    }
  }

  std::mutex mutex;
  std::condition_variable_any ended;
  std::jthread thread;  // last: it uses the others
};

Wait::Wait(std::string what) : teller_(std::make_unique<Teller>(std::move(what))) {}

Wait::~Wait() = default;

LastWords::LastWords(const std::string& words)
    : line_(visible(str("stopped: ", words)) + "\n"), before_(last_words.exchange(line_.c_str())) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_DFL) continue;
    action.sa_handler = say_last_words;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    sigaction(signal, &action, nullptr);
  }
}

LastWords::~LastWords() { last_words = before_; }

struct File::Sink {
  std::shared_ptr<spdlog::sinks::sink> sink;
};

File::File(const std::filesystem::path& path) try {
  auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
  file->set_pattern("%Y-%m-%d %H:%M:%S  %v");
  sinks().files->add_sink(file);
  sink_ = std::make_unique<Sink>(Sink{std::move(file)});
} catch (const spdlog::spdlog_ex& failure) {
  throw Error(str("cannot write the log ", path.string(), ": ", failure.what()));
}

File::~File() { sinks().files->remove_sink(sink_->sink); }

void speak_as(const std::string& speaker) { current_speaker() = speaker; }

void quiet() {
  is_quiet = true;
  sinks().console->set_level(level_enum::warn);
}

void without_last_words() { has_last_words = false; }

}  // namespace strata::log
