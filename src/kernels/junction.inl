// The body of a junction, forward and backward, over one row. norm/junction.h has the equation.
//
// Rows are handed over by value, so that the compiler knows that no store changes their members.
#pragma once

#include "gate.inl"
#include "junction_norms.inl"

namespace strata::kernels {

/// Rows whose parameter gradients are summed one after another; the chunks' sums are then added in order.
inline constexpr int64_t kJunctionChunk = 16;
inline constexpr int64_t kJunctionNorms = 3;

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
struct JunctionForwardRow {
  int64_t width;
  float eps;
  JunctionFactors factor;
  const T *stream, *branch;
  NormPointers<T> branch_norm, out_norm, next_norm;
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
    branch_rstd = row.branch_norm.kind == Norm::kScale ? 1.0F : reciprocal_rms(squares[0], row.width, row.eps);
  }
  auto moments = exec.template sum<2>(row.width, [&](auto i) {
    auto f = read(row.branch, i);
    if constexpr (kBranchNorm) f = normalised(f, branch_rstd, row.branch_norm.gain, i);
    const auto s = rounded<T>(row.factor.skip * read(row.stream, i) + row.factor.branch * f);
    write(row.sum, i, s);
    const auto gated = rounded<T>(row.factor.sum * s);
    if constexpr (!kOutNorm) write(row.stream_out, i, gated);
    return sums(gated, gated * gated);
  });
  if constexpr (kOutNorm) {
    const float rstd = reciprocal_rms(moments[1], row.width, row.eps);
    moments = exec.template sum<2>(row.width, [&](auto i) {
      const auto x = normalised(rounded<T>(row.factor.sum * read(row.sum, i)), rstd, row.out_norm.gain, i);
      write(row.stream_out, i, x);
      return sums(x, x * x);
    });
    if (exec.leader()) *row.out_rstd = rstd;
  }
  const float next_rstd = reciprocal_rms(moments[1], row.width, row.eps);
  if (row.normed != nullptr && row.next_norm.gain != nullptr) {
    exec.each(row.width, [&](auto i) {
      write(row.normed, i, row.factor.next * normalised(read(row.stream_out, i), next_rstd, row.next_norm.gain, i));
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
  float next_scale, skip_scale, branch_scale;
  Gate gate;
  JunctionFactors forward, backward;
  const T *sum, *branch, *stream, *grad_normed;  // stream: the x that the forward read, for a gate on the skip
  NormPointers<T> branch_norm, out_norm, next_norm;
  T *grad_stream, *grad_branch;
  const float *branch_rstd, *out_rstd, *next_rstd;  // of this row
};

/// Sums over a chunk of rows of the parameters' gradients. One run of memory: of the gains, element by element; where
/// there are norms that are no RMSNorms of the biases; of the gate; and then of those norms' alpha and shift.
template <class Pointer>
struct JunctionSums {
  NormSums<Pointer> branch, out, next;
  Pointer gate;
};

/// How many of them are as wide as a row, and how many floats they are in all.
STRATA_HOST_KFN int64_t wide_junction_sums(bool only_rms) { return only_rms ? kJunctionNorms : 2 * kJunctionNorms; }
STRATA_HOST_KFN int64_t junction_sums_size(int64_t width, bool only_rms) {
  return wide_junction_sums(only_rms) * width + 1 + (only_rms ? 0 : 2 * kJunctionNorms);
}

/// Where the sums of norm number `norm` stand, behind the first of all.
struct NormSumPlaces {
  int64_t gain, bias, alpha, shift;
};
STRATA_HOST_KFN NormSumPlaces norm_sum_places(int64_t norm, int64_t width) {
  const int64_t numbers = 2 * kJunctionNorms * width + 1;
  return {norm * width, (kJunctionNorms + norm) * width, numbers + norm, numbers + kJunctionNorms + norm};
}

template <class Pointer>
STRATA_KFN JunctionSums<Pointer> junction_sums(Pointer memory, int64_t width, bool only_rms) {
  const auto of_norm = [&](int64_t norm) {
    const NormSumPlaces at = norm_sum_places(norm, width);
    return only_rms ? NormSums<Pointer>{memory + at.gain, memory, memory, memory}
                    : NormSums<Pointer>{memory + at.gain, memory + at.bias, memory + at.alpha, memory + at.shift};
  };
  return {of_norm(0), of_norm(1), of_norm(2), memory + wide_junction_sums(only_rms) * width};
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

// dL/dx' in grad_stream: what came down the stream, plus what came through n = next_scale next_norm(x').
// Gives sum(dL/dn next_norm(x')), where there is a norm or a gate behind it; else 0.
template <bool kOutNorm, class T, class Exec, class Pointer>
STRATA_KFN float next_norm_backward_row(Exec exec, const JunctionBackwardRow<T> row, const JunctionSums<Pointer> sum) {
  if (row.grad_normed == nullptr) return 0.0F;
  const bool has_norm = row.next_norm.gain != nullptr;
  const float out_rstd = kOutNorm ? *row.out_rstd : 0.0F;
  const auto x = [&](auto i) {
    const auto gated = rounded<T>(row.forward.sum * read(row.sum, i));
    if constexpr (kOutNorm) return normalised(gated, out_rstd, row.out_norm.gain, i);
    return gated;
  };
  float dot = 0.0F;
  if (has_norm) {
    const float next_rstd = *row.next_rstd;
    dot = exec.template sum<1>(row.width, [&](auto i) {
      return sums(read(row.grad_normed, i) * read(row.next_norm.gain, i) * (next_rstd * x(i)));
    })[0];
    const float mean = row.backward.next * dot / static_cast<float>(row.width);
    exec.each(row.width, [&](auto i) {
      const auto upstream = row.backward.next * read(row.grad_normed, i);
      const auto normal = next_rstd * x(i);
      const auto grad = next_rstd * (upstream * read(row.next_norm.gain, i) - normal * mean);
      write(row.grad_stream, i, read(row.grad_stream, i) + grad);
      add_to(sum.next.gain, i, upstream * normal);
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
      row.width, [&](auto i) { return sums(read(row.grad_stream, i) * read(row.out_norm.gain, i) * normal(i)); });
  const float mean = dot[0] / static_cast<float>(row.width);
  exec.each(row.width, [&](auto i) {
    const auto upstream = read(row.grad_stream, i);
    add_to(sum.out.gain, i, upstream * normal(i));
    write(row.grad_stream, i, rstd * (upstream * read(row.out_norm.gain, i) - normal(i) * mean));
  });
}

// sum(dL/dy * h) of the gate (base/gate.h), y the gated value. grad_stream holds the gradient of the gated sum, through
// which the gradients of skip and branch come. of_normed: sum(dL/dn next_norm(x')).
// branch_value(i): branch_norm(f).
template <class T, class Exec, class Pointer, class BranchValue>
STRATA_KFN void gate_backward_row(Exec exec, const JunctionBackwardRow<T> row, float of_normed,
                                  const BranchValue& branch_value, const JunctionSums<Pointer> sum) {
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
    case Gate::kBranch:
      dot = exec.template sum<1>(
          row.width, [&](auto i) { return sums(row.branch_scale * read(row.grad_stream, i) * branch_value(i)); })[0];
      break;
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
  const float branch_rstd = kBranchNorm ? *row.branch_rstd : 0.0F;
  const auto branch_value = [&](auto i) {
    const auto f = read(row.branch, i);
    if constexpr (kBranchNorm) return normalised(f, branch_rstd, row.branch_norm.gain, i);
    return f;
  };
  gate_backward_row(exec, row, of_normed, branch_value, sum);
  const float to_skip = row.backward.sum * row.backward.skip;
  const float to_branch = row.backward.sum * row.backward.branch;
  if constexpr (kBranchNorm) {
    const float rstd = *row.branch_rstd;
    const auto normal = [&](auto i) { return rstd * read(row.branch, i); };
    const auto dot = exec.template sum<1>(row.width, [&](auto i) {
      return sums(to_branch * read(row.grad_stream, i) * read(row.branch_norm.gain, i) * normal(i));
    });
    const float mean = row.branch_norm.kind == Norm::kScale ? 0.0F : dot[0] / static_cast<float>(row.width);
    exec.each(row.width, [&](auto i) {
      const auto grad = read(row.grad_stream, i);
      const auto weighted = to_branch * grad * read(row.branch_norm.gain, i);
      write(row.grad_branch, i, rstd * (weighted - normal(i) * mean));
      add_to(sum.branch.gain, i, to_branch * grad * normal(i));
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
