#include "strata/kernels/junction.h"

#include "cpu_executor.h"
#include "junction_kinds.inl"
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
  return {.rows = rows,
          .branch_norm = rule.branch_norm.kind != Norm::kNone,
          .out_norm = rule.out_norm.kind != Norm::kNone,
          .only_rms = only_rms(rule.branch_norm.kind, rule.out_norm.kind, rule.next_norm.kind)};
}

template <class T>
NormPointers<T> pointers_of(const JunctionNorm& norm) {
  return {norm.kind, pointer<T>(norm.gain_D), pointer<T>(norm.bias_D), pointer<T>(norm.alpha), pointer<T>(norm.shift)};
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

double sum_of_chunks(const float* sums, int64_t chunks, int64_t stride) {
  double sum = 0.0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += static_cast<double>(sums[chunk * stride]);
  return sum;
}

template <class T>
void add_gate_gradient(T* gradient, float slope, double sum) {
  *gradient = narrow<T>(widen(*gradient) + gate_gradient(slope, sum));
}

template <class T>
void add_sum(T* gradient, const JunctionSum& sum, float* sums, int64_t chunks, int64_t stride, int64_t width,
             const GateAlpha& alpha) {
  if (sum.kind == JunctionSum::Kind::kRow) return add_chunk_sums(gradient, sums, chunks, stride, width);
  const double total = sum_of_chunks(sums, chunks, stride);
  if (sum.kind == JunctionSum::Kind::kGate) return add_gate_gradient(gradient, gate_value(alpha).slope, total);
  *gradient = narrow<T>(widen(*gradient) + static_cast<float>(total));
}

// Gradients have a dtype of their own: fp32 where a bf16 model keeps master values.
void add_parameter_gradients(const JunctionGradientArrays& gradients, const GateAlpha& alpha, int64_t chunks,
                             int64_t width, bool only_rms) {
  const int64_t stride = junction_sums_size(width, only_rms);
  for (const JunctionSum& sum : wanted_sums(gradients, width, only_rms)) {
    float* const sums = gradients.partial_sums + sum.place;
    if (sum.gradient.storage == Storage::kFp32) {
      add_sum(static_cast<float*>(sum.gradient.data), sum, sums, chunks, stride, width, alpha);
    } else {
      add_sum(static_cast<Bf16*>(sum.gradient.data), sum, sums, chunks, stride, width, alpha);
    }
  }
}

// f(row, sums of the chunk) for the rows of one chunk.
template <class T, class F>
void each_row_of_chunk(const JunctionBackwardRow<T>& first, int64_t rows, int64_t chunk, bool only_rms, float* sums,
                       F&& f) {
  const int64_t stride = junction_sums_size(first.width, only_rms);
  sums += chunk * stride;
  CpuExecutor{}.each(stride, [&](int64_t i) { sums[i] = 0.0F; });
  for (int64_t n = chunk * kJunctionChunk; n < std::min(rows, (chunk + 1) * kJunctionChunk); ++n) {
    f(advance(first, n), junction_sums(sums, first.width, only_rms));
  }
}

NormGradientArrays arrays_of(const JunctionNormGradients& norm) {
  return {array(norm.gain_D), array(norm.bias_D), array(norm.alpha), array(norm.shift)};
}

JunctionGradientArrays arrays_of(const JunctionParameterGradients& gradients, const at::Tensor& scratch) {
  return {.branch_norm = arrays_of(gradients.branch_norm),
          .out_norm = arrays_of(gradients.out_norm),
          .next_norm = arrays_of(gradients.next_norm),
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
                                .eps = static_cast<float>(rule.eps),
                                .factor = {},
                                .stream = pointer<T>(stream_ND),
                                .branch = pointer<T>(branch_ND.defined() ? branch_ND : stream_ND),
                                .branch_norm = pointers_of<T>(rule.branch_norm),
                                .out_norm = pointers_of<T>(rule.out_norm),
                                .next_norm = pointers_of<T>(rule.next_norm),
                                .sum = pointer<T>(saved.sum_ND),
                                .stream_out = pointer<T>(out.stream_ND),
                                .normed = pointer<T>(out.normed_ND),
                                .branch_rstd = pointer<float>(saved.branch_rstd_N),
                                .out_rstd = pointer<float>(saved.out_rstd_N),
                                .next_rstd = pointer<float>(saved.next_rstd_N),
                                .row_sums = pointer<float>(out.row_sums_N2)};
    if (const DeviceKernels* device = device_kernels(stream_ND)) return device->junction_forward(first, scales, shape);
    first.factor = forward_factors(scales);
    if (!shape.only_rms) {
      return parallel_rows(shape.rows, 16,
                           [&](int64_t n) { junction_forward_row_of_kinds(CpuExecutor{}, advance(first, n)); });
    }
    with_norms(shape, [&](auto branch_norm, auto out_norm) {
      parallel_rows(shape.rows, 16,
                    [&](int64_t n) { junction_forward_row<branch_norm, out_norm>(CpuExecutor{}, advance(first, n)); });
    });
  });
}

int64_t junction_scratch_size(int64_t tokens, int64_t width, bool only_rms) {
  return junction_chunks(tokens) * junction_sums_size(width, only_rms);
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
                                 .branch_norm = pointers_of<T>(rule.branch_norm),
                                 .out_norm = pointers_of<T>(rule.out_norm),
                                 .next_norm = pointers_of<T>(rule.next_norm),
                                 .grad_stream = pointer<T>(gradients.stream_ND),
                                 .grad_branch = pointer<T>(gradients.branch_ND),
                                 .branch_rstd = pointer<float>(saved.branch_rstd_N),
                                 .out_rstd = pointer<float>(saved.out_rstd_N),
                                 .next_rstd = pointer<float>(saved.next_rstd_N)};
    const JunctionGradientArrays arrays = arrays_of(gradients.parameters, scratch);
    if (const DeviceKernels* device = device_kernels(gradients.stream_ND)) {
      return device->junction_backward(first, scales, shape, arrays);
    }
    first.forward = forward_factors(scales);
    first.backward = backward_factors(scales);
    first.branch_scale = branch_factor(scales);
    const auto each_chunk = [&](auto&& row) {
      parallel_rows(junction_chunks(shape.rows), 1,
                    [&](int64_t chunk) { each_row_of_chunk(first, shape.rows, chunk, shape.only_rms, sums, row); });
    };
    if (shape.only_rms) {
      with_norms(shape, [&](auto branch_norm, auto out_norm) {
        each_chunk([&](const auto& row, const auto& sums) {
          junction_backward_row<branch_norm, out_norm>(CpuExecutor{}, row, sums);
        });
      });
    } else {
      each_chunk([](const auto& row, const auto& sums) { junction_backward_row_of_kinds(CpuExecutor{}, row, sums); });
    }
    add_parameter_gradients(arrays, scales.gate, junction_chunks(shape.rows), width, shape.only_rms);
  });
}

}  // namespace strata::kernels
