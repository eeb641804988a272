// The only source that sees spdlog: torch bundles another version of fmt.
#include "strata/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "strata/base/check.h"

namespace strata::log {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto console = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto created = std::make_shared<spdlog::logger>("strata", console);
    created->set_pattern("%v");
    created->flush_on(spdlog::level::info);
    return created;
  }();
  return *instance;
}

std::string& current_speaker() {
  static std::string speaker;
  return speaker;
}

// "[rank 3] error: <message>"
std::string spoken(const char* kind, std::string_view message) { return (current_speaker() + kind).append(message); }

}  // namespace

void info(std::string_view message) { logger().log(spdlog::level::info, message); }
void warn(std::string_view message) { logger().log(spdlog::level::warn, spoken("warning: ", message)); }
void error(std::string_view message) { logger().log(spdlog::level::err, spoken("error: ", message)); }

void also_to_file(const std::filesystem::path& path) try {
  auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
  file->set_pattern("%Y-%m-%d %H:%M:%S  %v");
  logger().sinks().push_back(std::move(file));
} catch (const spdlog::spdlog_ex& failure) {
  throw Error(str("cannot write the log ", path.string(), ": ", failure.what()));
}

void speak_as(const std::string& speaker) { current_speaker() = speaker; }

void quiet() { logger().set_level(spdlog::level::warn); }

}  // namespace strata::log
