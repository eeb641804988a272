// The only source that sees spdlog: torch bundles another version of fmt.
#include "strata/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <iostream>

#include "strata/base/check.h"

namespace strata::log {
namespace {

// Where messages go. Files come and go while other threads log.
spdlog::sinks::dist_sink_mt& sinks() {
  static const auto instance = [] {
    auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    console->set_pattern("%v");
    auto all = std::make_shared<spdlog::sinks::dist_sink_mt>();
    all->add_sink(std::move(console));
    return all;
  }();
  return *instance;
}

spdlog::logger& logger() {
  static const auto instance = [] {
    const std::shared_ptr<spdlog::sinks::sink> all(&sinks(), [](auto*) {});
    auto created = std::make_shared<spdlog::logger>("strata", all);
    created->flush_on(spdlog::level::info);
    return created;
  }();
  return *instance;
}

std::string& current_speaker() {
  static std::string speaker;
  return speaker;
}

bool is_terminal() {
  static const bool is_one = isatty(STDOUT_FILENO) != 0;
  return is_one;
}

std::atomic<bool> is_progress_shown = false;

void write(spdlog::level::level_enum level, std::string_view message) {
  if (!logger().should_log(level)) return;
  end_progress();
  logger().log(level, message);
}

// "[rank 3] error: <message>"
std::string spoken(const char* kind, std::string_view message) { return (current_speaker() + kind).append(message); }

}  // namespace

void info(std::string_view message) { write(spdlog::level::info, message); }
void warn(std::string_view message) { write(spdlog::level::warn, spoken("warning: ", message)); }
void error(std::string_view message) { write(spdlog::level::err, spoken("error: ", message)); }

double progress_interval() { return is_terminal() ? 0.5 : 5.0; }

void progress(std::string_view line) {
  if (is_terminal()) {
    is_progress_shown = true;
    std::cout << '\r' << line << "\033[K" << std::flush;
  } else {
    std::cout << line << '\n' << std::flush;
  }
}

void end_progress() {
  if (is_progress_shown.exchange(false)) std::cout << '\n' << std::flush;
}

struct File::Sink {
  std::shared_ptr<spdlog::sinks::sink> sink;
};

File::File(const std::filesystem::path& path) try {
  auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
  file->set_pattern("%Y-%m-%d %H:%M:%S  %v");
  sinks().add_sink(file);
  sink_ = std::make_unique<Sink>(Sink{std::move(file)});
} catch (const spdlog::spdlog_ex& failure) {
  throw Error(str("cannot write the log ", path.string(), ": ", failure.what()));
}

File::~File() { sinks().remove_sink(sink_->sink); }

void speak_as(const std::string& speaker) { current_speaker() = speaker; }

void quiet() { logger().set_level(spdlog::level::warn); }

}  // namespace strata::log
