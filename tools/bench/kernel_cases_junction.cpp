// The fused junction.
#include "kernel_arrays.h"
#include "strata/kernels/junction.h"

namespace strata::tools {
namespace {

kernels::JunctionNorm rms_norm(const KernelArrays& arrays, int64_t width) {
  return {.kind = Norm::kRms, .gain_D = arrays.make({width})};
}

// As in Pre-LN or Sandwich-LN, with a gate on the sum.
kernels::JunctionRule junction_rule(const KernelArrays& arrays, int64_t width, bool branch_norm) {
  return {.gate = Gate::kSum,
          .branch_norm = branch_norm ? rms_norm(arrays, width) : kernels::JunctionNorm{},
          .next_norm = rms_norm(arrays, width),
          .alpha = arrays.make({}, at::kFloat)};
}

kernels::JunctionSaved junction_saved(KernelArrays& arrays, int64_t tokens, int64_t width, bool branch_norm) {
  return {.sum_ND = arrays.read({tokens, width}),
          .branch_rstd_N = branch_norm ? arrays.read_fp32({tokens}) : at::Tensor(),
          .out_rstd_N = {},
          .next_rstd_N = arrays.read_fp32({tokens})};
}

PreparedKernel junction(const KernelSizes& sizes, bool branch_norm) {
  const std::vector<int64_t> shape{sizes.tokens, sizes.dims.hidden};
  KernelArrays arrays(sizes);
  const auto rule = junction_rule(arrays, shape[1], branch_norm);
  const auto saved = junction_saved(arrays, shape[0], shape[1], branch_norm);  // written, and as large as read
  const at::Tensor stream = arrays.read(shape), branch = arrays.read(shape);
  const at::Tensor stream_out = arrays.written(shape), normed = arrays.written(shape);
  const at::Tensor row_sums = arrays.written_fp32({shape[0], 2});
  return {.shape = shape_text(shape), .bytes = arrays.bytes(), .run = [=] {
            kernels::junction_forward({.stream_ND = stream_out, .normed_ND = normed, .row_sums_N2 = row_sums}, saved,
                                      rule, {.stream_ND = stream, .branch_ND = branch});
          }};
}

PreparedKernel junction_backward(const KernelSizes& sizes, bool branch_norm) {
  const std::vector<int64_t> shape{sizes.tokens, sizes.dims.hidden};
  KernelArrays arrays(sizes);
  const auto rule = junction_rule(arrays, shape[1], branch_norm);
  const auto saved = junction_saved(arrays, shape[0], shape[1], branch_norm);
  const at::Tensor stream = arrays.make(shape), branch = branch_norm ? arrays.read(shape) : arrays.make(shape);
  const at::Tensor grad_normed = arrays.read(shape), grad_stream = arrays.changed(shape);
  const at::Tensor grad_branch = arrays.written(shape);
  const auto gain = [&] { return arrays.make({shape[1]}, sizes.gradient_dtype); };
  const kernels::JunctionGradients gradients{.stream_ND = grad_stream,
                                             .branch_ND = grad_branch,
                                             .parameters = {.branch_norm = {branch_norm ? gain() : at::Tensor()},
                                                            .next_norm = {gain()},
                                                            .gate = arrays.make({}, sizes.gradient_dtype)}};
  const at::Tensor scratch = arrays.make({kernels::junction_scratch_size(shape[0], shape[1])}, at::kFloat);
  return {.shape = shape_text(shape), .bytes = arrays.bytes(), .run = [=] {
            kernels::junction_backward(gradients, scratch, rule, saved, {.stream_ND = stream, .branch_ND = branch},
                                       grad_normed);
          }};
}

}  // namespace

std::vector<KernelCase> junction_kernels(const KernelSizes& sizes) {
  return {{"junction", [=] { return junction(sizes, false); }},
          {"junction, backward", [=] { return junction_backward(sizes, false); }},
          {"junction with a branch norm", [=] { return junction(sizes, true); }},
          {"junction with a branch norm, backward", [=] { return junction_backward(sizes, true); }}};
}

}  // namespace strata::tools
