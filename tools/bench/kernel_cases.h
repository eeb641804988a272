#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "strata/config/model.h"

namespace strata::tools {

/// Of a training step: what its kernels work on.
struct KernelSizes {
  config::ModelConfig dims = {};
  int64_t tokens = 4096;
  int64_t row = 256;                           // tokens; the last one may be shorter
  int64_t loss_chunk = 256;                    // rows of logits
  int64_t parameters = 0;                      // of the arenas
  at::ScalarType dtype = at::kFloat;           // of activations
  at::ScalarType gradient_dtype = at::kFloat;  // of the arenas
  at::Device device{at::kCPU};
};

/// A kernel on arrays of its own.
struct PreparedKernel {
  std::string shape;
  double bytes = 0.0;         // the least that has to move: every array once for each way it goes
  double flops = 0.0;         // not 0: arithmetic is what counts
  std::function<void()> run;  // enqueues it once; may be called again and again
};

struct KernelCase {
  std::string name;
  std::function<PreparedKernel()> prepare;  // with everything in memory that it needs
};

/// All of Strata's kernels that a step's time depends on.
std::vector<KernelCase> kernel_cases(const KernelSizes& sizes);

/// The parts of it.
std::vector<KernelCase> junction_kernels(const KernelSizes& sizes);
std::vector<KernelCase> row_kernels(const KernelSizes& sizes);
std::vector<KernelCase> attention_kernels(const KernelSizes& sizes);
std::vector<KernelCase> arena_kernels(const KernelSizes& sizes);

}  // namespace strata::tools
