// Kernels that go over the arenas of parameters, gradients and moments.
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "kernel_arrays.h"
#include "strata/base/parameter.h"
#include "strata/kernels/adam.h"
#include "strata/kernels/sums.h"

namespace strata::tools {
namespace {

// copy: bf16, of new values in fp32.
PreparedKernel adam(at::ScalarType dtype, const KernelSizes& sizes, bool copy) {
  const std::vector<int64_t> shape{sizes.parameters};
  KernelArrays arrays(sizes, dtype);
  const kernels::AdamArrays of{.value = arrays.changed(shape),
                               .gradient = arrays.read(shape),
                               .m = arrays.changed(shape),
                               .v = arrays.changed(shape),
                               .copy = copy ? arrays.make(shape, at::kBFloat16) : at::Tensor()};
  if (copy) arrays.add_bytes(static_cast<int64_t>(of.copy.nbytes()));
  const kernels::UpdateScale scale{.factor = arrays.make({}, at::kDouble).fill_(1.0),
                                   .apply = arrays.make({}, at::kDouble).fill_(1.0)};
  return {
      .shape = shape_text(shape), .bytes = arrays.bytes(), .run = [=] { kernels::adam(of, {.rate = 1e-3}, scale); }};
}

PreparedKernel sums_of_squares(const KernelSizes& sizes) {
  KernelArrays arrays(sizes, sizes.gradient_dtype);
  std::vector<int64_t> blocks;
  for (int64_t begin = 0; begin < sizes.parameters; begin += kArenaBlock) {
    blocks.insert(blocks.end(), {begin, std::min(kArenaBlock, sizes.parameters - begin)});
  }
  const at::Tensor blocks_B2 = arrays.put(at::tensor(blocks, at::kLong).view({-1, 2}));
  const at::Tensor flat = arrays.read({sizes.parameters}), squares = arrays.written_fp32({blocks_B2.size(0)});
  return {.shape = shape_text(flat.sizes()), .bytes = arrays.bytes(), .run = [=] {
            kernels::sums_of_squares(squares, flat, blocks_B2);
          }};
}

}  // namespace

std::vector<KernelCase> arena_kernels(const KernelSizes& sizes) {
  return {{"sums of squares", [=] { return sums_of_squares(sizes); }},
          {"adam, fp32", [=] { return adam(at::kFloat, sizes, false); }},
          {"adam, mixed", [=] { return adam(at::kFloat, sizes, true); }},
          {"adam, bf16", [=] { return adam(at::kBFloat16, sizes, false); }}};
}

}  // namespace strata::tools
