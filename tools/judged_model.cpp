#include "judged_model.h"

namespace strata::tools {

void add_model_options(const Command& command, run::JudgedModel& model) {
  command.option("folder", model.folder, "model folder or checkpoint, ours or a stock Hugging Face LLaMA").required();
  command.option("--tokenizer", model.tokenizer,
                 "sentencepiece model or tokenizer.json, a file or URL; default: data.tokenizer of the folder");
  const std::map<std::string, config::Precision> precisions{{"fp32", config::Precision::kFp32},
                                                            {"bf16", config::Precision::kBf16}};
  command.choice("--precision", model.precision, precisions, "what the model computes in").shows_default("fp32");
  command
      .choice("--gemm", model.run.gemm, by_name<config::Gemm>(),
              "matrix library on the CPU; with tiles results do not depend on batches, workers or threads")
      .shows_default("tiles");
  command.option("--threads", model.run.threads, "processor threads; 0: all cores").not_negative().shows_default();
  command
      .choice("--device", model.run.device, by_name<config::Device>(),
              "what computes; auto: a GPU where one is visible")
      .shows_default("auto");
}

}  // namespace strata::tools
