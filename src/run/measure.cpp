#include "strata/run/measure.h"

#include <algorithm>

#include "strata/nn/of_config.h"

namespace strata::run {

// Feed-forward, head, and the gradient of the head's weight.
double peak_gflops(const kernels::Gemm& gemm, const config::RunConfig& config, const at::Device& device,
                   workers::Communicator& workers) {
  workers.barrier();
  const config::ModelConfig& dims = config.model;
  const nn::ModelOptions model = nn::options_for(config, device.type());
  const bool in_fp32 = model.precision == config::Precision::kFp32;
  const auto options = at::TensorOptions().dtype(in_fp32 ? at::kFloat : at::kBFloat16).device(device);
  const double mine = std::max({kernels::measure_gemm(gemm, 2048, dims.intermediate, dims.hidden, options),
                                kernels::measure_gemm(gemm, 512, dims.vocab, dims.hidden, options),
                                kernels::measure_gemm(gemm, dims.vocab, dims.hidden, model.loss_chunk, options)});
  return workers::sum_of_numbers(workers, {mine}).front();
}

}  // namespace strata::run
