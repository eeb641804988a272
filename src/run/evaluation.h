#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/log.h"
#include "strata/data/source.h"
#include "strata/data/tokenizer.h"
#include "strata/hub/model_folder.h"
#include "strata/nn/model.h"
#include "strata/run/device.h"
#include "strata/run/evaluate.h"
#include "strata/run/workers.h"

namespace strata::run {

/// Tokens of a batch, or as many as the largest thing that is scored takes.
inline constexpr int64_t kBatchTokens = 4096;

/// Throws UsageError for a place (--output) where no file can be written: before there is anything to lose.
void check_writable(const std::string& output);

/// What a file of results (--output) holds already, of the same evaluation; an empty object where there is no file.
/// Throws UsageError for a place where nothing can be written, for a file of something else, and for one of another
/// evaluation: before there are results to lose.
nlohmann::json open_results(const std::string& output, const nlohmann::json& evaluation);

/// A model with its memory.
struct EvalModel {
  EvalModel(const nn::ModelSpec& spec, const nn::ModelOptions& options, const kernels::Gemm& gemm, at::Device device)
      : allocator(device), model(spec, options, gemm, allocator) {}
  Allocator allocator;
  nn::Model model;
};

/// What an evaluation of a model folder works with.
class EvalSetup {
 public:
  /// Throws UsageError where there is no tokenizer, and what opening the folder, the tokenizer and the device throws.
  explicit EvalSetup(const JudgedModel& judged);

  /// Meets the workers that the environment speaks of; they must have the same model, tokenizer and `questions`.
  Workers join(const Agreement& questions) const;

  const hub::ModelFolder& folder() const { return folder_; }
  const data::Tokenizer& tokenizer() const { return tokenizer_; }
  /// Tokens that the model sees at most: those asked for (0: nobody asked), else as many as its longest rows had in
  /// training. Warns of more than that.
  int64_t max_length(int64_t asked) const;
  /// The files of an option, those of URLs as local copies.
  std::vector<data::Source> sources(const std::vector<std::string>& files, const std::string& option) const;
  /// Whether batches may be trees.
  bool trees() const { return !device_.cuda; }

  /// What decides log-likelihoods: scheme, weights, tokenizer, precision, matrix library.
  nlohmann::json description() const;
  /// The same for people, in one line.
  std::string text() const;

  /// The model, loaded, for batches up to these limits; without a layer where one is named.
  std::unique_ptr<EvalModel> load(const nn::BatchLimits& limits, std::optional<int64_t> without = {}) const;
  /// The model, loaded, to be differentiated; of each layer it keeps the input alone.
  std::unique_ptr<EvalModel> load_with_gradients(const nn::BatchLimits& limits) const;

 private:
  std::unique_ptr<EvalModel> load(const nn::ModelSpec& spec, const nn::ModelOptions& options) const;

  JudgedModel judged_;
  hub::ModelFolder folder_;
  data::Tokenizer tokenizer_;
  RunDevice device_;
  std::unique_ptr<kernels::Gemm> gemm_;
  std::string weights_checksum_;
};

/// "boolq  1,280 of 3,270 items  41.3 items/s  48s left": on a terminal it stays in place, elsewhere a line every few
/// seconds.
class EvalProgress {
 public:
  /// total: items over everything that is scored. quiet: on workers that do not speak. unit: what items are.
  EvalProgress(int64_t total, bool quiet, std::string unit = "items");

  /// `done` of `of` items of this part are scored. One part comes after the other.
  void show(const std::string& part, int64_t done, int64_t of);

 private:
  using Clock = std::chrono::steady_clock;

  int64_t total_;
  bool quiet_;
  std::string unit_;
  std::string part_;
  int64_t before_ = 0, done_ = 0;  // items of the parts before this one, and of this one
  Clock::time_point begun_ = Clock::now();
  log::Pace pace_;
};

}  // namespace strata::run
