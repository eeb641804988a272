#include "strata/study/run_state.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "object_at.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/io/file.h"
#include "strata/io/json.h"
#include "strata/run/identity.h"
#include "strata/run/record.h"
#include "strata/study/run_log.h"

namespace strata::study {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// What a run says of itself.
std::optional<json> record_in(const fs::path& run) { return object_at(run::record_file(run)); }

std::string text_in(const json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<double> loss_in(const json& end) {
  const auto found = end.find("validation_loss");
  return found != end.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

// The first key whose value made other numbers; else the data must have been another.
std::string what_differs(const Run& run) {
  try {
    const config::RunConfig before = config::load(run.folder() / "config.yaml").config;
    for (const config::Difference& difference : config::differences(before, run.config)) {
      if (difference.key == "norm.scheme" || run::is_identifying(difference.key))
        return str(difference.key, "=", difference.before, ", and here it is ", difference.now);
    }
  } catch (const Error&) {
  }
  return "other data, another tokenizer, or other records of its scheme";
}

}  // namespace

RunState state_of(const Run& run) {
  const fs::path folder = run.folder();
  const auto record = record_in(folder);
  if (record && text_in(*record, "identity") != run.identity) {
    throw UsageError(
        str(folder.string(), " was made with ", what_differs(run), "; give another --output, or remove that folder"));
  }
  if (record && record->contains("end")) return {.state = State::kDone, .validation_loss = loss_in(record->at("end"))};
  std::error_code ignored;
  if (fs::exists(failure_file(folder), ignored)) {
    try {
      return {.state = State::kFailed, .why = text_in(io::read_json(failure_file(folder)), "why")};
    } catch (const Error& failure) {
      return {.state = State::kFailed, .why = failure.what()};
    }
  }
  return {.state = record ? State::kUnfinished : State::kMissing};
}

bool has_ended(const fs::path& run) {
  const auto record = record_in(run);
  std::error_code ignored;
  return (record && record->contains("end")) || fs::exists(failure_file(run), ignored);
}

void note_failure(const Run& run, int exit_code, const std::string& why) {
  io::write_json(failure_file(run.folder()), {{"exit_code", exit_code}, {"why", why}});
}

void forget_failure(const Run& run) { fs::remove(failure_file(run.folder())); }

std::optional<fs::path> twin_of(const Run& run) {
  const fs::path own = run.folder().parent_path().parent_path();
  std::error_code failure;
  for (const auto& sweep : fs::directory_iterator(fs::absolute(own).lexically_normal().parent_path(), failure)) {
    std::error_code none;
    if (fs::equivalent(sweep.path(), own, none)) continue;
    for (const auto& entry : fs::directory_iterator(sweep.path() / "runs", none)) {
      if (entry.is_symlink(none)) continue;  // what it leads to is found by itself
      const auto record = record_in(entry.path());
      if (record && record->contains("end") && text_in(*record, "identity") == run.identity) return entry.path();
    }
  }
  return std::nullopt;
}

void link_to(const Run& run, const fs::path& twin) {
  const fs::path folder = fs::absolute(run.folder()).lexically_normal();
  std::error_code failure;
  fs::create_directories(folder.parent_path(), failure);
  if (fs::is_symlink(folder) && !fs::exists(folder)) fs::remove(folder);  // what it led to is gone
  fs::create_directory_symlink(fs::absolute(twin).lexically_relative(folder.parent_path()), folder, failure);
  STRATA_CHECK(!failure, "cannot make ", folder.string(), " a link: ", failure.message());
}

int64_t last_step_in(const fs::path& run) {
  constexpr std::streamoff kEnd = 4096;  // longer than two lines
  std::ifstream file(run / "metrics.jsonl", std::ios::binary | std::ios::ate);
  if (!file) return 0;
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kEnd));
  std::string line;
  int64_t step = 0;
  while (std::getline(file, line)) {
    const json value = json::parse(line, nullptr, false);
    if (value.is_object() && value.contains("step") && value["step"].is_number_integer()) step = value["step"];
  }
  return step;
}

}  // namespace strata::study
