#include "evaluation.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/io/json.h"
#include "strata/run/tokenizer.h"

namespace strata::run {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& output, const std::string& problem) {
  throw UsageError(str("--output: ", output, ": ", problem));
}

std::string rate_text(double rate) { return rate < 1000.0 ? significant(rate, 3) : with_commas(std::llround(rate)); }

}  // namespace

void check_writable(const std::string& output) {
  const std::filesystem::path path = output;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (std::filesystem::is_directory(path)) refuse(output, "is a folder; name a file");
  if (!std::filesystem::is_directory(folder)) refuse(output, "there is no folder " + folder.string());
  if (access(folder.c_str(), W_OK) != 0) refuse(output, "nothing can be written into " + folder.string());
}

json open_results(const std::string& output, const json& evaluation) {
  if (output.empty()) return json::object();
  check_writable(output);
  if (!std::filesystem::exists(output)) return json::object();
  json found;
  try {
    found = io::read_json(output);
  } catch (const Error& failure) {
    refuse(output, str("holds something else: ", failure.what()));
  }
  if (!found.is_object() || !found.contains("evaluation"))
    refuse(output, "holds something else than results of strata eval");
  if (found["evaluation"] != evaluation)
    refuse(output, "holds results of another model or way of asking; name another file");
  return found;
}

EvalSetup::EvalSetup(const JudgedModel& judged)
    : judged_(judged),
      folder_(hub::open_model_folder(judged.folder)),
      tokenizer_(tokenizer_for(folder_, judged.tokenizer)),
      device_(open_device(judged.run)),
      weights_checksum_(hex(folder_.weights.checksum())) {
  nn::check_loadable(folder_.spec.layout, folder_.weights);
  const bool in_fp32 = judged.precision == config::Precision::kFp32;
  gemm_ = open_gemm(judged.run, {folder_.spec.dims.hidden, in_fp32 ? at::kFloat : at::kBFloat16}, device_);
}

Workers EvalSetup::join(const Agreement& questions) const {
  Agreement agreement{{"model", description().dump()}};
  agreement.insert(agreement.end(), questions.begin(), questions.end());
  return join_workers(agreement, config::ParallelConfig{}, device_);
}

nlohmann::json EvalSetup::description() const {
  return {{"scheme", folder_.config.norm.scheme},
          {"parameters", folder_.spec.layout.count()},
          {"weights", weights_checksum_},
          {"tokenizer", hex(tokenizer_.fingerprint())},
          {"precision", config::enum_name(judged_.precision)},
          {"gemm", gemm_->name()}};
}

int64_t EvalSetup::max_length(int64_t asked) const {
  const int64_t trained = std::min(folder_.config.data.sequence_length, folder_.config.model.max_positions);
  if (asked > trained) {
    log::warn(str("--max-length=", asked, ": the model was trained on rows of up to ", trained,
                  " tokens; it has not learned what lies further apart"));
  }
  return asked > 0 ? asked : trained;
}

std::string EvalSetup::text() const {
  return str(with_commas(folder_.spec.layout.count()), " parameters · ", config::enum_name(judged_.precision), " · ",
             gemm_->name(), ", ", place_text(device_));
}

std::vector<data::Source> EvalSetup::sources(const std::vector<std::string>& files, const std::string& option) const {
  std::vector<data::Source> sources = data::find_sources(files, option);
  for (data::Source& source : sources) {
    if (!source.url.empty()) source.files = {data::local_copy(source.url, folder_.config.data.cache)};
  }
  return sources;
}

std::unique_ptr<EvalModel> EvalSetup::load(const nn::ModelSpec& spec, const nn::ModelOptions& options) const {
  auto loaded = std::make_unique<EvalModel>(spec, options, *gemm_, device_.device);
  nn::load_parameters(loaded->model.parameters(), folder_.weights);
  return loaded;
}

std::unique_ptr<EvalModel> EvalSetup::load(const nn::BatchLimits& limits, std::optional<int64_t> without) const {
  const nn::ModelSpec spec = without ? nn::without_layer(folder_.spec, *without) : folder_.spec;
  return load(spec, {.precision = judged_.precision, .limits = limits, .gradients = false});
}

std::unique_ptr<EvalModel> EvalSetup::load_with_gradients(const nn::BatchLimits& limits) const {
  return load(folder_.spec, {.precision = judged_.precision, .limits = limits, .recompute = config::Recompute::kLayer});
}

EvalProgress::EvalProgress(int64_t total, bool quiet, std::string unit)
    : total_(total), quiet_(quiet), unit_(std::move(unit)) {}

void EvalProgress::show(const std::string& part, int64_t done, int64_t of) {
  if (part != part_) {
    part_ = part;
    before_ += done_;
  }
  done_ = done;
  if (quiet_ || !pace_.is_due()) return;
  const int64_t scored = before_ + done_;
  const double rate = static_cast<double>(scored) / std::chrono::duration<double>(Clock::now() - begun_).count();
  log::progress({{part, 1},
                 {str(with_commas(done), " of ", with_commas(of), " ", unit_), 2},
                 {str(rate_text(rate), " ", unit_, "/s"), 0},
                 {str(human_seconds(static_cast<double>(total_ - scored) / std::max(rate, 1e-9)), " left"), 1}});
}

}  // namespace strata::run
