#include "evaluation.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "tokenizer.h"

namespace strata::run {
namespace {

data::Tokenizer tokenizer_for(const JudgedModel& judged, const hub::ModelFolder& folder) {
  config::RunConfig config = folder.config;
  if (!judged.tokenizer.empty()) config.data.tokenizer = judged.tokenizer;
  if (config.data.tokenizer.empty()) {
    throw UsageError(str(judged.folder, ": names no tokenizer; give a sentencepiece model with --tokenizer"));
  }
  return open_tokenizer(config);
}

std::string rate_text(double rate) { return rate < 1000.0 ? significant(rate, 3) : with_commas(std::llround(rate)); }

}  // namespace

EvalSetup::EvalSetup(const JudgedModel& judged)
    : judged_(judged),
      folder_(hub::open_model_folder(judged.folder)),
      tokenizer_(tokenizer_for(judged, folder_)),
      device_(open_device(judged.run)),
      weights_checksum_(hex(folder_.weights.checksum())) {
  nn::check_loadable(folder_.spec.layout, folder_.weights);
  set_threads(judged.run);
  gemm_ = open_gemm(judged.run, device_);
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

std::string EvalSetup::text() const {
  return str(with_commas(folder_.spec.layout.count()), " parameters · ", config::enum_name(judged_.precision), " · ",
             gemm_->name(), ", ", place_text(device_));
}

std::unique_ptr<EvalModel> EvalSetup::load(const nn::BatchLimits& limits, std::optional<int64_t> without) const {
  const nn::ModelSpec spec = without ? nn::without_layer(folder_.spec, *without) : folder_.spec;
  auto loaded = std::make_unique<EvalModel>(
      spec, nn::ModelOptions{.precision = judged_.precision, .limits = limits, .gradients = false}, *gemm_,
      device_.device);
  nn::load_parameters(loaded->model.parameters(), folder_.weights);
  return loaded;
}

EvalProgress::EvalProgress(int64_t total, bool quiet, std::string unit)
    : total_(total), quiet_(quiet), unit_(std::move(unit)) {}

void EvalProgress::show(const std::string& part, int64_t done, int64_t of) {
  if (part != part_) {
    part_ = part;
    before_ += done_;
  }
  done_ = done;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (quiet_ || since < log::progress_interval()) return;
  shown_ = now;
  const int64_t scored = before_ + done_;
  const double rate = static_cast<double>(scored) / std::chrono::duration<double>(now - begun_).count();
  log::progress(str(part, "  ", with_commas(done), " of ", with_commas(of), " ", unit_, "  ", rate_text(rate), " ",
                    unit_, "/s  ", human_seconds(static_cast<double>(total_ - scored) / std::max(rate, 1e-9)),
                    " left"));
}

}  // namespace strata::run
