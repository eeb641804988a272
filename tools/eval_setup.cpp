#include "eval_setup.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime.h"
#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::tools {
namespace {

data::Tokenizer tokenizer_for(const EvalModelArguments& arguments, const hub::ModelFolder& folder) {
  config::RunConfig config = folder.config;
  if (!arguments.tokenizer.empty()) config.data.tokenizer = arguments.tokenizer;
  if (config.data.tokenizer.empty()) {
    throw UsageError(str(arguments.folder, ": names no tokenizer; give a sentencepiece model with --tokenizer"));
  }
  return open_tokenizer(config);
}

}  // namespace

void print_table(const Table& table, bool markdown) {
  std::cout << "\n" << (markdown ? table.markdown() : table.text("  ")) << std::flush;
}

void add_eval_model_options(CLI::App& command, EvalModelArguments& arguments) {
  command.add_option("folder", arguments.folder, "model folder or checkpoint, ours or a stock Hugging Face LLaMA")
      ->required();
  command.add_option("--tokenizer", arguments.tokenizer,
                     "sentencepiece model, a file or URL; default: data.tokenizer of the folder");
  command.add_option("--precision", arguments.precision, "what the model computes in")
      ->transform(CLI::CheckedTransformer(std::map<std::string, config::Precision>{{"fp32", config::Precision::kFp32},
                                                                                   {"bf16", config::Precision::kBf16}}))
      ->default_str("fp32");
  command
      .add_option("--gemm", arguments.run.gemm,
                  "matrix library on the CPU; with tiles results do not depend on batches, workers or threads")
      ->transform(CLI::CheckedTransformer(by_name<config::Gemm>()))
      ->default_str("tiles");
  command.add_option("--threads", arguments.run.threads, "processor threads; 0: all cores")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--device", arguments.run.device, "what computes; auto: a GPU where one is visible")
      ->transform(CLI::CheckedTransformer(by_name<config::Device>()))
      ->default_str("auto");
}

EvalSetup::EvalSetup(const EvalModelArguments& arguments)
    : arguments_(arguments),
      folder_(hub::open_model_folder(arguments.folder)),
      tokenizer_(tokenizer_for(arguments, folder_)),
      device_(open_device(arguments.run)),
      weights_checksum_(hex(folder_.weights.checksum())) {
  nn::check_loadable(folder_.spec.layout, folder_.weights);
  set_threads(arguments.run);
  gemm_ = device_.cuda ? kernels::make_cuda_gemm() : start(arguments.run);
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
          {"precision", config::enum_name(arguments_.precision)},
          {"gemm", gemm_->name()}};
}

std::string EvalSetup::text() const {
  return str(with_commas(folder_.spec.layout.count()), " parameters · ", config::enum_name(arguments_.precision), " · ",
             gemm_->name(), ", ", place_text(device_));
}

std::unique_ptr<EvalModel> EvalSetup::load(const nn::BatchLimits& limits, std::optional<int64_t> without) const {
  const nn::ModelSpec spec = without ? nn::without_layer(folder_.spec, *without) : folder_.spec;
  auto loaded = std::make_unique<EvalModel>(
      spec, nn::ModelOptions{.precision = arguments_.precision, .limits = limits, .gradients = false}, *gemm_,
      device_.device);
  nn::load_parameters(loaded->model.parameters(), folder_.weights);
  return loaded;
}

}  // namespace strata::tools
