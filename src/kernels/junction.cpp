#include "strata/kernels/junction.h"

#include "cpu_executor.h"
#include "junction.inl"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

// Rows whose parameter gradients are summed one after another; the chunks' sums are then added in order.
constexpr int64_t kChunk = 64;
constexpr int kGains = 3;

int64_t chunks_of(int64_t tokens) { return (tokens + kChunk - 1) / kChunk; }

float number(const at::Tensor& scalar, float fallback) {
  return scalar.defined() ? *static_cast<const float*>(scalar.data_ptr()) : fallback;
}

JunctionFactors factors(const JunctionRule& rule, float gate) {
  const auto scale = [&](GatePlace place, double value) {
    return static_cast<float>(value) * (rule.gate == place ? gate : 1.0F);
  };
  return {scale(GatePlace::kSkip, rule.skip_scale), scale(GatePlace::kBranch, 1.0), scale(GatePlace::kSum, 1.0),
          scale(GatePlace::kNorm, rule.next_scale)};
}

GateTerm term_of(GatePlace place) { return static_cast<GateTerm>(place); }

template <class T>
T* at_row(T* base, int64_t row, int64_t width) {
  return base == nullptr ? nullptr : base + row * width;
}

template <class T>
JunctionForwardRow<T> forward_row(const JunctionRule& rule, const at::Tensor& stream_ND, const at::Tensor& branch_ND,
                                  const JunctionSaved& saved, const at::Tensor& stream_out_ND,
                                  const at::Tensor& normed_ND, const at::Tensor& row_sums_N2) {
  JunctionForwardRow<T> row{.width = stream_ND.size(1),
                            .eps = static_cast<float>(rule.eps),
                            .factor = factors(rule, number(rule.factor, 1.0F)),
                            .stream = pointer<T>(stream_ND),
                            .branch = pointer<T>(branch_ND.defined() ? branch_ND : stream_ND),
                            .branch_gain = pointer<T>(rule.branch_gain_D),
                            .out_gain = pointer<T>(rule.out_gain_D),
                            .next_gain = pointer<T>(rule.next_gain_D),
                            .sum = pointer<T>(saved.sum_ND),
                            .stream_out = pointer<T>(stream_out_ND),
                            .normed = pointer<T>(normed_ND),
                            .branch_rstd = pointer<float>(saved.branch_rstd_N),
                            .out_rstd = pointer<float>(saved.out_rstd_N),
                            .next_rstd = pointer<float>(saved.next_rstd_N),
                            .row_sums = pointer<float>(row_sums_N2)};
  if (!branch_ND.defined()) row.factor.branch = 0.0F;
  return row;
}

// The row at index n of arrays whose first row `first` holds.
template <class T>
JunctionForwardRow<T> advance(JunctionForwardRow<T> first, int64_t n) {
  const int64_t width = first.width;
  first.stream += n * width;
  first.branch += n * width;
  first.sum += n * width;
  first.stream_out += n * width;
  first.normed = at_row(first.normed, n, width);
  first.branch_rstd = at_row(first.branch_rstd, n, 1);
  first.out_rstd = at_row(first.out_rstd, n, 1);
  first.next_rstd = at_row(first.next_rstd, n, 1);
  first.row_sums += 2 * n;
  return first;
}

template <class T>
JunctionBackwardRow<T> advance(JunctionBackwardRow<T> first, const JunctionSaved& saved, int64_t n) {
  const int64_t width = first.width;
  const auto rstd = [n](const at::Tensor& values_N) {
    return values_N.defined() ? static_cast<const float*>(values_N.data_ptr())[n] : 0.0F;
  };
  first.sum += n * width;
  first.branch = at_row(first.branch, n, width);
  first.stream = at_row(first.stream, n, width);
  first.grad_normed = at_row(first.grad_normed, n, width);
  first.grad_stream += n * width;
  first.grad_branch += n * width;
  first.branch_rstd = rstd(saved.branch_rstd_N);
  first.out_rstd = rstd(saved.out_rstd_N);
  first.next_rstd = rstd(saved.next_rstd_N);
  return first;
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
void add_gate_gradient(const JunctionGradients& gradients, const float* sums, int64_t chunks, int64_t stride) {
  double total = 0.0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += static_cast<double>(sums[chunk * stride]);
  T& gradient = *pointer<T>(gradients.gate);
  gradient = narrow<T>(widen(gradient) - number(gradients.slope, 0.0F) * static_cast<float>(total));
}

// Gradients have a dtype of their own: fp32 where a bf16 model keeps master values.
void add_parameter_gradients(const JunctionGradients& gradients, float* sums, int64_t chunks, int64_t width) {
  const int64_t stride = kGains * width + 1;
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
  with_storage_type(gradients.gate,
                    [&](auto type) { add_gate_gradient<decltype(type)>(gradients, sums + offset, chunks, stride); });
}

}  // namespace

void junction_forward(const JunctionRule& rule, const at::Tensor& stream_ND, const at::Tensor& branch_ND,
                      const JunctionSaved& saved, const at::Tensor& stream_out_ND, const at::Tensor& normed_ND,
                      const at::Tensor& row_sums_N2) {
  with_storage_type(stream_ND, [&](auto type) {
    using T = decltype(type);
    const auto first = forward_row<T>(rule, stream_ND, branch_ND, saved, stream_out_ND, normed_ND, row_sums_N2);
    with_flag(rule.branch_gain_D.defined(), [&](auto branch_norm) {
      with_flag(rule.out_gain_D.defined(), [&](auto out_norm) {
        parallel_rows(stream_ND.size(0), 16, [&](int64_t n) {
          junction_forward_row<branch_norm, out_norm>(CpuExecutor{}, advance(first, n));
        });
      });
    });
  });
}

int64_t junction_scratch_size(int64_t tokens, int64_t width) { return chunks_of(tokens) * (kGains * width + 1); }

void junction_backward(const JunctionRule& rule, const JunctionSaved& saved, const at::Tensor& stream_ND,
                       const at::Tensor& branch_ND, const at::Tensor& grad_normed_ND, const at::Tensor& grad_stream_ND,
                       const at::Tensor& grad_branch_ND, const JunctionGradients& gradients,
                       const at::Tensor& scratch) {
  const int64_t tokens = grad_stream_ND.size(0);
  const int64_t width = grad_stream_ND.size(1);
  const int64_t stride = kGains * width + 1;
  const float gate = number(rule.factor, 1.0F);
  auto* sums = pointer<float>(scratch);
  with_storage_type(grad_stream_ND, [&](auto type) {
    using T = decltype(type);
    const JunctionBackwardRow<T> first{.width = width,
                                       .next_scale = static_cast<float>(rule.next_scale),
                                       .skip_scale = static_cast<float>(rule.skip_scale),
                                       .gate = term_of(rule.gate),
                                       .forward = factors(rule, gate),
                                       .backward = factors(rule, rule.stop_gradient ? 1.0F : gate),
                                       .sum = pointer<T>(saved.sum_ND),
                                       .branch = pointer<T>(branch_ND),
                                       .stream = pointer<T>(stream_ND),
                                       .grad_normed = pointer<T>(grad_normed_ND),
                                       .branch_gain = pointer<T>(rule.branch_gain_D),
                                       .out_gain = pointer<T>(rule.out_gain_D),
                                       .next_gain = pointer<T>(rule.next_gain_D),
                                       .grad_stream = pointer<T>(grad_stream_ND),
                                       .grad_branch = pointer<T>(grad_branch_ND)};
    const auto run_chunk = [&](auto branch_norm, auto out_norm, int64_t chunk) {
      float* chunk_sums = sums + chunk * stride;
      CpuExecutor{}.each(stride, [&](int64_t i) { chunk_sums[i] = 0.0F; });
      for (int64_t n = chunk * kChunk; n < std::min(tokens, (chunk + 1) * kChunk); ++n) {
        auto row = advance(first, saved, n);
        row.branch_gain_sum = chunk_sums;
        row.out_gain_sum = chunk_sums + width;
        row.next_gain_sum = chunk_sums + 2 * width;
        row.gate_sum = chunk_sums + kGains * width;
        junction_backward_row<branch_norm, out_norm>(CpuExecutor{}, row);
      }
    };
    with_flag(rule.branch_gain_D.defined(), [&](auto branch_norm) {
      with_flag(rule.out_gain_D.defined(), [&](auto out_norm) {
        parallel_rows(chunks_of(tokens), 1, [&](int64_t chunk) { run_chunk(branch_norm, out_norm, chunk); });
      });
    });
    add_parameter_gradients(gradients, sums, chunks_of(tokens), width);
  });
}

}  // namespace strata::kernels
