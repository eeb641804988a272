#include "strata/kernels/junction.h"

#include "cpu_executor.h"
#include "junction.inl"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

GateAlpha alpha_of(const JunctionRule& rule) {
  GateAlpha alpha{.fp32 = nullptr, .bf16 = nullptr, .activation = rule.activation, .is_factor = rule.alpha_is_factor};
  if (!rule.alpha.defined()) return alpha;
  if (rule.alpha.scalar_type() == at::kFloat) {
    alpha.fp32 = pointer<float>(rule.alpha);
  } else {
    alpha.bf16 = pointer<Bf16>(rule.alpha);
  }
  return alpha;
}

JunctionScales scales_of(const JunctionRule& rule, bool has_branch) {
  return {.skip = static_cast<float>(rule.skip_scale),
          .branch = has_branch ? 1.0F : 0.0F,
          .next = static_cast<float>(rule.next_scale),
          .branch_scale = pointer<float>(rule.branch_scale),
          .gated = rule.gate,
          .stop_gradient = rule.stop_gradient,
          .gate = alpha_of(rule)};
}

JunctionShape shape_of(const JunctionRule& rule, int64_t rows) {
  return {.rows = rows, .branch_norm = rule.branch_gain_D.defined(), .out_norm = rule.out_gain_D.defined()};
}

// The chunks' sums of one parameter's gradient, in order: [chunks] rows of `stride` floats.
template <class T>
void add_chunk_sums(T* gradient, const float* sums, int64_t chunks, int64_t stride, int64_t width) {
  for (int64_t chunk = 1; chunk < chunks; ++chunk) {
    float* first = const_cast<float*>(sums);
    const float* other = sums + chunk * stride;
    CpuExecutor{}.each(width, [&](int64_t i) { first[i] += other[i]; });
  }
  CpuExecutor{}.each(width, [&](int64_t i) { gradient[i] = narrow<T>(widen(gradient[i]) + sums[i]); });
}

template <class T>
void add_gate_gradient(T* gradient, float slope, const float* sums, int64_t chunks, int64_t stride) {
  double sum = 0.0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += static_cast<double>(sums[chunk * stride]);
  *gradient = narrow<T>(widen(*gradient) + gate_gradient(slope, sum));
}

// Gradients have a dtype of their own: fp32 where a bf16 model keeps master values.
void add_parameter_gradients(const JunctionParameterGradients& gradients, const GateAlpha& alpha, float* sums,
                             int64_t chunks, int64_t width) {
  const int64_t stride = kJunctionGains * width + 1;
  int64_t offset = 0;
  for (const at::Tensor& gain_D : {gradients.branch_gain_D, gradients.out_gain_D, gradients.next_gain_D}) {
    if (gain_D.defined()) {
      with_storage_type(gain_D, [&](auto type) {
        add_chunk_sums(pointer<decltype(type)>(gain_D), sums + offset, chunks, stride, width);
      });
    }
    offset += width;
  }
  if (!gradients.gate.defined()) return;
  with_storage_type(gradients.gate, [&](auto type) {
    add_gate_gradient(pointer<decltype(type)>(gradients.gate), gate_value(alpha).slope, sums + offset, chunks, stride);
  });
}

// One chunk of rows, whose sums go to its row of `sums`.
template <bool kBranchNorm, bool kOutNorm, class T>
void backward_chunk(const JunctionBackwardRow<T>& first, int64_t rows, int64_t chunk, float* sums) {
  const int64_t stride = kJunctionGains * first.width + 1;
  sums += chunk * stride;
  CpuExecutor{}.each(stride, [&](int64_t i) { sums[i] = 0.0F; });
  for (int64_t n = chunk * kJunctionChunk; n < std::min(rows, (chunk + 1) * kJunctionChunk); ++n) {
    junction_backward_row<kBranchNorm, kOutNorm>(CpuExecutor{}, advance(first, n), junction_sums(sums, first.width));
  }
}

JunctionGradientArrays arrays_of(const JunctionParameterGradients& gradients, const at::Tensor& scratch) {
  return {.branch_gain = array(gradients.branch_gain_D),
          .out_gain = array(gradients.out_gain_D),
          .next_gain = array(gradients.next_gain_D),
          .gate = array(gradients.gate),
          .partial_sums = pointer<float>(scratch)};
}

// f(branch norm, out norm), as constants.
template <class F>
void with_norms(const JunctionShape& shape, F&& f) {
  with_flag(shape.branch_norm,
            [&](auto branch_norm) { with_flag(shape.out_norm, [&](auto out_norm) { f(branch_norm, out_norm); }); });
}

}  // namespace

float gate_factor(GateActivation activation, float alpha) { return gate_value(activation, alpha).factor; }

void junction_forward(const JunctionOutputs& out, const JunctionSaved& saved, const JunctionRule& rule,
                      const JunctionInputs& in) {
  const at::Tensor& stream_ND = in.stream_ND;
  const at::Tensor& branch_ND = in.branch_ND;
  const JunctionShape shape = shape_of(rule, stream_ND.size(0));
  const JunctionScales scales = scales_of(rule, branch_ND.defined());
  with_storage_type(stream_ND, [&](auto type) {
    using T = decltype(type);
    JunctionForwardRow<T> first{.width = stream_ND.size(1),
                                .branch_is_scaled = rule.branch_is_scaled,
                                .eps = static_cast<float>(rule.eps),
                                .factor = {},
                                .stream = pointer<T>(stream_ND),
                                .branch = pointer<T>(branch_ND.defined() ? branch_ND : stream_ND),
                                .branch_gain = pointer<T>(rule.branch_gain_D),
                                .out_gain = pointer<T>(rule.out_gain_D),
                                .next_gain = pointer<T>(rule.next_gain_D),
                                .sum = pointer<T>(saved.sum_ND),
                                .stream_out = pointer<T>(out.stream_ND),
                                .normed = pointer<T>(out.normed_ND),
                                .branch_rstd = pointer<float>(saved.branch_rstd_N),
                                .out_rstd = pointer<float>(saved.out_rstd_N),
                                .next_rstd = pointer<float>(saved.next_rstd_N),
                                .row_sums = pointer<float>(out.row_sums_N2)};
    if (const DeviceKernels* device = device_kernels(stream_ND)) return device->junction_forward(first, scales, shape);
    first.factor = forward_factors(scales);
    with_norms(shape, [&](auto branch_norm, auto out_norm) {
      parallel_rows(shape.rows, 16,
                    [&](int64_t n) { junction_forward_row<branch_norm, out_norm>(CpuExecutor{}, advance(first, n)); });
    });
  });
}

int64_t junction_scratch_size(int64_t tokens, int64_t width) {
  return junction_chunks(tokens) * (kJunctionGains * width + 1);
}

void junction_backward(const JunctionGradients& gradients, const at::Tensor& scratch, const JunctionRule& rule,
                       const JunctionSaved& saved, const JunctionInputs& in, const at::Tensor& grad_normed_ND) {
  const int64_t width = gradients.stream_ND.size(1);
  const JunctionShape shape = shape_of(rule, gradients.stream_ND.size(0));
  const JunctionScales scales = scales_of(rule, true);
  auto* sums = pointer<float>(scratch);
  with_storage_type(gradients.stream_ND, [&](auto type) {
    using T = decltype(type);
    JunctionBackwardRow<T> first{.width = width,
                                 .branch_is_scaled = rule.branch_is_scaled,
                                 .next_scale = scales.next,
                                 .skip_scale = scales.skip,
                                 .branch_scale = 1.0F,
                                 .gate = scales.gated,
                                 .forward = {},
                                 .backward = {},
                                 .sum = pointer<T>(saved.sum_ND),
                                 .branch = pointer<T>(in.branch_ND),
                                 .stream = pointer<T>(in.stream_ND),
                                 .grad_normed = pointer<T>(grad_normed_ND),
                                 .branch_gain = pointer<T>(rule.branch_gain_D),
                                 .out_gain = pointer<T>(rule.out_gain_D),
                                 .next_gain = pointer<T>(rule.next_gain_D),
                                 .grad_stream = pointer<T>(gradients.stream_ND),
                                 .grad_branch = pointer<T>(gradients.branch_ND),
                                 .branch_rstd = pointer<float>(saved.branch_rstd_N),
                                 .out_rstd = pointer<float>(saved.out_rstd_N),
                                 .next_rstd = pointer<float>(saved.next_rstd_N)};
    if (const DeviceKernels* device = device_kernels(gradients.stream_ND)) {
      return device->junction_backward(first, scales, shape, arrays_of(gradients.parameters, scratch));
    }
    first.forward = forward_factors(scales);
    first.backward = backward_factors(scales);
    first.branch_scale = branch_factor(scales);
    with_norms(shape, [&](auto branch_norm, auto out_norm) {
      parallel_rows(junction_chunks(shape.rows), 1,
                    [&](int64_t chunk) { backward_chunk<branch_norm, out_norm>(first, shape.rows, chunk, sums); });
    });
    add_parameter_gradients(gradients.parameters, scales.gate, sums, junction_chunks(shape.rows), width);
  });
}

}  // namespace strata::kernels
