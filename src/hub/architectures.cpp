#include "hub/architectures.h"

#include "strata/config/norm.h"

namespace strata::hub {

const std::vector<Architecture>& architectures() {
  using config::QkNorm;
  // The second name of LLaMA's is what the lineage of the paper's code writes.
  static const std::string pre = config::NormConfig().scheme;
  static const std::vector<Architecture> all{
      {Stock::kLlama, "llama", {"LlamaForCausalLM", "LLaMAForCausalLM"}, pre, QkNorm::kNone, 1e-6, 0, "4.31.0"},
      {Stock::kQwen3, "qwen3", {"Qwen3ForCausalLM"}, pre, QkNorm::kHead, 1e-6, 128, "4.51.0"},
      {Stock::kOlmo2, "olmo2", {"Olmo2ForCausalLM"}, "olmo2", QkNorm::kNone, 1e-5, 0, "4.47.0"}};
  return all;
}

std::string_view class_of(Stock stock) { return architecture(stock).names.front(); }

}  // namespace strata::hub
