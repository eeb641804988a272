// The body of a junction, forward and backward, over one row. norm/junction.h has the equation.
//
// Rows are handed over by value, so that the compiler knows that no store changes their members.
#pragma once

#include "gate.inl"
#include "lanes.inl"

namespace strata::kernels {

/// Rows whose parameter gradients are summed one after another; the chunks' sums are then added in order.
inline constexpr int64_t kJunctionChunk = 16;
inline constexpr int64_t kJunctionGains = 3;

constexpr int64_t junction_chunks(int64_t rows) { return (rows + kJunctionChunk - 1) / kJunctionChunk; }

/// The factors of a junction's terms. Forward they hold the gate; backward they are what stop-gradient leaves.
struct JunctionFactors {
  float skip, branch, sum, next;
};

/// A gate's alpha in memory, of a type of its own.
struct GateAlpha {
  const float* fp32;  // one of them, or both nullptr: there is no gate
  const Bf16* bf16;
  GateActivation activation;
  bool is_factor;  // it multiplies as it is
};

/// Without a gate: factor 1.
STRATA_KFN GateValue gate_value(const GateAlpha& alpha) {
  if (alpha.fp32 == nullptr && alpha.bf16 == nullptr) return {1.0F, 0.0F};
  const float value = alpha.fp32 != nullptr ? *alpha.fp32 : widen(*alpha.bf16);
  return alpha.is_factor ? GateValue{value, -1.0F} : gate_value(alpha.activation, value);
}

/// What the factors are made of: fixed numbers, what multiplies the branch (nullptr: nothing) and the gate in memory.
struct JunctionScales {
  float skip, branch, next;
  const float* branch_scale;
  Gate gated;
  bool stop_gradient;
  GateAlpha gate;
};

/// Of the branch, without a gate.
STRATA_KFN float branch_factor(const JunctionScales& scales) {
  return scales.branch_scale == nullptr ? scales.branch : scales.branch * *scales.branch_scale;
}

STRATA_KFN JunctionFactors factors(const JunctionScales& scales, float gate) {
  const auto gated = [&](Gate term, float value) { return scales.gated == term ? value * gate : value; };
  return {gated(Gate::kSkip, scales.skip), gated(Gate::kBranch, branch_factor(scales)), gated(Gate::kSum, 1.0F),
          gated(Gate::kNorm, scales.next)};
}

STRATA_KFN JunctionFactors forward_factors(const JunctionScales& scales) {
  return factors(scales, gate_value(scales.gate).factor);
}

STRATA_KFN JunctionFactors backward_factors(const JunctionScales& scales) {
  return scales.stop_gradient ? factors(scales, 1.0F) : forward_factors(scales);
}

template <class T>
STRATA_KFN T* at_row(T* base, int64_t row, int64_t width) {
  return base == nullptr ? nullptr : base + row * width;
}

STRATA_KFN float reciprocal_rms(float sum_of_squares, int64_t width, float eps) {
  return 1.0F / sqrtf(sum_of_squares / static_cast<float>(width) + eps);
}

// Normalise in fp32, round, multiply by the gain, round: the order of Hugging Face's LlamaRMSNorm.
template <class T, class Value, class Index>
STRATA_KFN Value normalised(const Value& value, float rstd, const T* gain, Index i) {
  return rounded<T>(rounded<T>(rstd * value) * read(gain, i));
}

template <class T>
struct JunctionForwardRow {
  int64_t width;
  bool branch_is_scaled;  // by its gain alone
  float eps;
  JunctionFactors factor;
  const T *stream, *branch, *branch_gain, *out_gain, *next_gain;
  T *sum, *stream_out, *normed;
  float *branch_rstd, *out_rstd, *next_rstd, *row_sums;  // of this row
};

/// Row n of arrays whose first row `first` holds.
template <class T>
STRATA_KFN JunctionForwardRow<T> advance(JunctionForwardRow<T> first, int64_t n) {
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

template <bool kBranchNorm, bool kOutNorm, class T, class Exec>
STRATA_KFN void junction_forward_row(Exec exec, const JunctionForwardRow<T> row) {
  float branch_rstd = 0.0F;
  if constexpr (kBranchNorm) {
    const auto squares = exec.template sum<1>(row.width, [&](auto i) {
      const auto f = read(row.branch, i);
      return sums(f * f);
    });
    branch_rstd = row.branch_is_scaled ? 1.0F : reciprocal_rms(squares[0], row.width, row.eps);
  }
  auto moments = exec.template sum<2>(row.width, [&](auto i) {
    auto f = read(row.branch, i);
    if constexpr (kBranchNorm) f = normalised(f, branch_rstd, row.branch_gain, i);
    const auto s = rounded<T>(row.factor.skip * read(row.stream, i) + row.factor.branch * f);
    write(row.sum, i, s);
    const auto gated = rounded<T>(row.factor.sum * s);
    if constexpr (!kOutNorm) write(row.stream_out, i, gated);
    return sums(gated, gated * gated);
  });
  if constexpr (kOutNorm) {
    const float rstd = reciprocal_rms(moments[1], row.width, row.eps);
    moments = exec.template sum<2>(row.width, [&](auto i) {
      const auto x = normalised(rounded<T>(row.factor.sum * read(row.sum, i)), rstd, row.out_gain, i);
      write(row.stream_out, i, x);
      return sums(x, x * x);
    });
    if (exec.leader()) *row.out_rstd = rstd;
  }
  const float next_rstd = reciprocal_rms(moments[1], row.width, row.eps);
  if (row.normed != nullptr && row.next_gain != nullptr) {
    exec.each(row.width, [&](auto i) {
      write(row.normed, i, row.factor.next * normalised(read(row.stream_out, i), next_rstd, row.next_gain, i));
    });
  } else if (row.normed != nullptr) {
    exec.each(row.width, [&](auto i) { write(row.normed, i, row.factor.next * read(row.stream_out, i)); });
  }
  if (exec.leader()) {
    if constexpr (kBranchNorm) *row.branch_rstd = branch_rstd;
    if (row.next_rstd != nullptr) *row.next_rstd = next_rstd;
    row.row_sums[0] = moments[0];
    row.row_sums[1] = moments[1];
  }
}

template <class T>
struct JunctionBackwardRow {
  int64_t width;
  bool branch_is_scaled;
  float next_scale, skip_scale, branch_scale;
  Gate gate;
  JunctionFactors forward, backward;
  const T *sum, *branch, *stream, *grad_normed;  // stream: the x that the forward read, for a gate on the skip
  const T *branch_gain, *out_gain, *next_gain;
  T *grad_stream, *grad_branch;
  const float *branch_rstd, *out_rstd, *next_rstd;  // of this row
};

/// Sums over a chunk of rows: of the gains' gradients, element by element, and then of the gate's. One run of memory.
template <class Pointer>
struct JunctionSums {
  Pointer branch_gain, out_gain, next_gain, gate;
};

template <class Pointer>
STRATA_KFN JunctionSums<Pointer> junction_sums(Pointer memory, int64_t width) {
  return {memory, memory + width, memory + 2 * width, memory + kJunctionGains * width};
}

template <class T>
STRATA_KFN JunctionBackwardRow<T> advance(JunctionBackwardRow<T> first, int64_t n) {
  const int64_t width = first.width;
  first.sum += n * width;
  first.branch = at_row(first.branch, n, width);
  first.stream = at_row(first.stream, n, width);
  first.grad_normed = at_row(first.grad_normed, n, width);
  first.grad_stream += n * width;
  first.grad_branch += n * width;
  first.branch_rstd = at_row(first.branch_rstd, n, 1);
  first.out_rstd = at_row(first.out_rstd, n, 1);
  first.next_rstd = at_row(first.next_rstd, n, 1);
  return first;
}

template <class Pointer, class Index, class Value>
STRATA_KFN void add_to(Pointer sums, Index i, const Value& value) {
  write(sums, i, read(sums, i) + value);
}

// dL/dx' in grad_stream: what came down the stream, plus what came through n = next_scale next_norm(x').
// Gives sum(dL/dn next_norm(x')), where there is a norm or a gate behind it; else 0.
template <bool kOutNorm, class T, class Exec, class Pointer>
STRATA_KFN float next_norm_backward_row(Exec exec, const JunctionBackwardRow<T> row, const JunctionSums<Pointer> sum) {
  if (row.grad_normed == nullptr) return 0.0F;
  const bool has_norm = row.next_gain != nullptr;
  const float out_rstd = kOutNorm ? *row.out_rstd : 0.0F;
  const auto x = [&](auto i) {
    const auto gated = rounded<T>(row.forward.sum * read(row.sum, i));
    if constexpr (kOutNorm) return normalised(gated, out_rstd, row.out_gain, i);
    return gated;
  };
  float dot = 0.0F;
  if (has_norm) {
    const float next_rstd = *row.next_rstd;
    dot = exec.template sum<1>(row.width, [&](auto i) {
      return sums(read(row.grad_normed, i) * read(row.next_gain, i) * (next_rstd * x(i)));
    })[0];
    const float mean = row.backward.next * dot / static_cast<float>(row.width);
    exec.each(row.width, [&](auto i) {
      const auto upstream = row.backward.next * read(row.grad_normed, i);
      const auto normal = next_rstd * x(i);
      const auto grad = next_rstd * (upstream * read(row.next_gain, i) - normal * mean);
      write(row.grad_stream, i, read(row.grad_stream, i) + grad);
      add_to(sum.next_gain, i, upstream * normal);
    });
  } else {
    if (row.gate == Gate::kNorm) {
      dot = exec.template sum<1>(row.width, [&](auto i) { return sums(read(row.grad_normed, i) * x(i)); })[0];
    }
    exec.each(row.width, [&](auto i) {
      const auto grad = row.backward.next * read(row.grad_normed, i);
      write(row.grad_stream, i, read(row.grad_stream, i) + grad);
    });
  }
  return dot;
}

// From dL/dx' to the gradient of the gated sum, in grad_stream, through x' = out_norm(G(s)).
template <class T, class Exec, class Pointer>
STRATA_KFN void out_norm_backward_row(Exec exec, const JunctionBackwardRow<T> row, const JunctionSums<Pointer> sum) {
  const float rstd = *row.out_rstd;
  const auto normal = [&](auto i) { return rstd * rounded<T>(row.forward.sum * read(row.sum, i)); };
  const auto dot = exec.template sum<1>(
      row.width, [&](auto i) { return sums(read(row.grad_stream, i) * read(row.out_gain, i) * normal(i)); });
  const float mean = dot[0] / static_cast<float>(row.width);
  exec.each(row.width, [&](auto i) {
    const auto upstream = read(row.grad_stream, i);
    add_to(sum.out_gain, i, upstream * normal(i));
    write(row.grad_stream, i, rstd * (upstream * read(row.out_gain, i) - normal(i) * mean));
  });
}

// sum(dL/dy * h) of the gate (base/gate.h), y the gated value. grad_stream holds the gradient of the gated sum, through
// which the gradients of skip and branch come. of_normed: sum(dL/dn next_norm(x')).
template <bool kBranchNorm, class T, class Exec, class Pointer>
STRATA_KFN void gate_backward_row(Exec exec, const JunctionBackwardRow<T> row, float of_normed,
                                  const JunctionSums<Pointer> sum) {
  float dot = 0.0F;
  switch (row.gate) {
    case Gate::kNone:
      return;
    case Gate::kSum:
      dot =
          exec.template sum<1>(row.width, [&](auto i) { return sums(read(row.grad_stream, i) * read(row.sum, i)); })[0];
      break;
    case Gate::kSkip:
      dot = exec.template sum<1>(
          row.width, [&](auto i) { return sums(row.skip_scale * read(row.grad_stream, i) * read(row.stream, i)); })[0];
      break;
    case Gate::kBranch: {
      const float branch_rstd = kBranchNorm ? *row.branch_rstd : 0.0F;
      dot = exec.template sum<1>(row.width, [&](auto i) {
        auto f = read(row.branch, i);
        if constexpr (kBranchNorm) f = normalised(f, branch_rstd, row.branch_gain, i);
        return sums(row.branch_scale * read(row.grad_stream, i) * f);
      })[0];
      break;
    }
    case Gate::kNorm:
      dot = row.next_scale * of_normed;
      break;
  }
  if (exec.leader()) *sum.gate += dot;
}

template <bool kBranchNorm, bool kOutNorm, class T, class Exec, class Pointer>
STRATA_KFN void junction_backward_row(Exec exec, const JunctionBackwardRow<T> row, const JunctionSums<Pointer> sum) {
  const float of_normed = next_norm_backward_row<kOutNorm>(exec, row, sum);
  if constexpr (kOutNorm) out_norm_backward_row(exec, row, sum);
  gate_backward_row<kBranchNorm>(exec, row, of_normed, sum);
  const float to_skip = row.backward.sum * row.backward.skip;
  const float to_branch = row.backward.sum * row.backward.branch;
  if constexpr (kBranchNorm) {
    const float rstd = *row.branch_rstd;
    const auto normal = [&](auto i) { return rstd * read(row.branch, i); };
    const auto dot = exec.template sum<1>(row.width, [&](auto i) {
      return sums(to_branch * read(row.grad_stream, i) * read(row.branch_gain, i) * normal(i));
    });
    const float mean = row.branch_is_scaled ? 0.0F : dot[0] / static_cast<float>(row.width);
    exec.each(row.width, [&](auto i) {
      const auto grad = read(row.grad_stream, i);
      const auto weighted = to_branch * grad * read(row.branch_gain, i);
      write(row.grad_branch, i, rstd * (weighted - normal(i) * mean));
      add_to(sum.branch_gain, i, to_branch * grad * normal(i));
      write(row.grad_stream, i, to_skip * grad);
    });
  } else {
    exec.each(row.width, [&](auto i) {
      const auto grad = read(row.grad_stream, i);
      write(row.grad_branch, i, to_branch * grad);
      write(row.grad_stream, i, to_skip * grad);
    });
  }
}

}  // namespace strata::kernels
