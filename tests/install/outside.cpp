// A program of somebody else's: a decoder under a scheme of its own, one forward and backward pass.
#include <strata/nn/model.h>

#include <cmath>
#include <iostream>

namespace {

using strata::norm::Norm;

// Norms on both sides of the branch and on the sum; no scheme of Strata's does that.
class Everywhere final : public strata::norm::Scheme {
 public:
  strata::norm::Sublayer sublayer(const strata::norm::Site&) const override {
    return {.input_norm = Norm::kRms, .branch_norm = Norm::kRms, .out_norm = Norm::kRms};
  }
};

}  // namespace

int main() {
  const strata::config::ModelConfig dims{.vocab = 100, .hidden = 64, .intermediate = 96, .layers = 2, .heads = 2};
  const auto batch = strata::data::TokenBatch::from_rows({{1, 2, 3, 4, 5}, {6, 7, 8}}, nullptr, dims.vocab);
  const auto gemm = strata::kernels::make_gemm("aten");
  strata::Allocator memory(at::kCPU);
  strata::nn::Model model(strata::nn::describe(dims, Everywhere()), {.limits = {.max_tokens = 8, .longest_row = 5}},
                          *gemm, memory);
  model.parameters().initialise(42);

  const auto targets = static_cast<double>(batch.num_targets());
  const double loss = model.loss_and_gradients(batch, 1 / targets) / targets;
  const double gradient = model.parameters().gradients().norm().item<double>();
  std::cout << "loss " << loss << ", gradient " << gradient << "\n";
  // Logits of a fresh model are small, so it guesses evenly.
  const bool learns = std::abs(loss - std::log(dims.vocab)) < 0.2 && gradient > 1e-3 && std::isfinite(gradient);
  return learns ? 0 : 1;
}
