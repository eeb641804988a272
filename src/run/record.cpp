#include "strata/run/record.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/base/version.h"
#include "strata/io/json.h"
#include "strata/nn/of_config.h"
#include "strata/run/identity.h"
#include "strata/train/checkpoint/retention.h"

namespace strata::run {
namespace {

using nlohmann::json;

// "2026-11-29T04:05:06Z"
std::string now() {
  const std::time_t time = std::time(nullptr);
  std::tm parts = {};
  gmtime_r(&time, &parts);
  std::array<char, 32> text = {};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// What earlier processes left; a damaged record is begun anew.
json record_at(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return json::object();
  try {
    json record = io::read_json(file);
    if (record.is_object()) return record;
    log::warn(str(file.string(), ": expected an object; it is begun anew"));
  } catch (const Error& failure) {
    log::warn(str(failure.what(), "; it is begun anew"));
  }
  return json::object();
}

json to_json(const Session& session, const RunDevice& device) {
  return {{"began", now()},
          {"kind", session.command},
          {"command", command_line()},
          {"host", host_name()},
          {"device", device.name()},
          {"processor", processor_name()},
          {"workers", session.workers},
          {"threads", num_threads()},
          {"gemm", session.gemm},
          {"strata", version()},
          {"commit", commit()},
          {"build", build()},
          {"torch", torch_version()},
          {"from_step", session.from_step}};
}

}  // namespace

void note_session(const Settled& run, const RunInput& input, const RunDevice& device, const Session& session) {
  const auto file = record_file(run.config.run.dir);
  json record = record_at(file);
  const bool goes_on = session.from_step > 0 && record.contains("sessions") && record["sessions"].is_array();
  if (!goes_on) record["sessions"] = json::array();
  record["sessions"].push_back(to_json(session, device));
  const InputFingerprints fingerprints = fingerprints_of(run.config, input);
  record["identity"] = identity_of(run.config, fingerprints);
  record["scheme"] = {{"name", run.config.norm.scheme}, {"fingerprint", fingerprint_of_scheme(run.config, run.spec)}};
  record["data"] = hex(fingerprints.data);
  record["evaluation_data"] = hex(fingerprints.evaluation);
  record["tokenizer"] = hex(fingerprints.tokenizer);
  record["parameters"] = run.spec.layout.count();
  record["flops_per_token"] = input.flops_per_token(run);
  record.erase("end");
  io::write_json(file, record);
}

void note_end(const Settled& run, const RunResult& result) {
  const auto file = record_file(run.config.run.dir);
  json record = record_at(file);
  const train::Progress& progress = result.progress;
  json end{{"at", now()}, {"step", progress.step}, {"tokens", progress.tokens}, {"skipped", progress.skipped}};
  end["peak_resident_bytes"] = peak_resident_bytes();
  if (const auto losses = train::validation_losses(run.config.run.dir); !losses.empty()) {
    const auto lowest = std::ranges::min_element(losses, {}, [](const auto& loss) { return loss.second; });
    end["validation_loss"] = losses.rbegin()->second;
    end["lowest_validation_loss"] = lowest->second;
    end["lowest_at_step"] = lowest->first;
  }
  record["end"] = end;
  record["about_data"] = result.data;
  io::write_json(file, record);
}

}  // namespace strata::run
