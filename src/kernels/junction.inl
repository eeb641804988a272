// The body of a junction, forward and backward, over one row. norm/junction.h has the equation.
//
// Rows are handed over by value, so that the compiler knows that no store changes their members.
#pragma once

#include "scalar.inl"

namespace strata::kernels {

/// The factors of a junction's terms. Forward they hold the gate; backward they are what stop-gradient leaves.
struct JunctionFactors {
  float skip, branch, sum, next;
};

STRATA_KFN float reciprocal_rms(float sum_of_squares, int64_t width, float eps) {
  return 1.0F / sqrtf(sum_of_squares / static_cast<float>(width) + eps);
}

// Normalise in fp32, round, multiply by the gain, round: the order of Hugging Face's LlamaRMSNorm.
template <class T>
STRATA_KFN float normalised(float value, float rstd, T gain) {
  return rounded<T>(rounded<T>(value * rstd) * widen(gain));
}

template <class T>
struct JunctionForwardRow {
  int64_t width;
  float eps;
  JunctionFactors factor;
  const T *stream, *branch, *branch_gain, *out_gain, *next_gain;
  T *sum, *stream_out, *normed;
  float *branch_rstd, *out_rstd, *next_rstd, *row_sums;  // of this row
};

template <bool kBranchNorm, bool kOutNorm, class T, class Exec>
STRATA_KFN void junction_forward_row(Exec exec, const JunctionForwardRow<T> row) {
  float branch_rstd = 0.0F;
  if constexpr (kBranchNorm) {
    const auto squares = exec.template sum<1>(row.width, [&](int64_t i) {
      const float f = widen(row.branch[i]);
      return sums(f * f);
    });
    branch_rstd = reciprocal_rms(squares[0], row.width, row.eps);
  }
  auto moments = exec.template sum<2>(row.width, [&](int64_t i) {
    float f = widen(row.branch[i]);
    if constexpr (kBranchNorm) f = normalised(f, branch_rstd, row.branch_gain[i]);
    const float s = rounded<T>(row.factor.skip * widen(row.stream[i]) + row.factor.branch * f);
    row.sum[i] = narrow<T>(s);
    const float gated = rounded<T>(row.factor.sum * s);
    if constexpr (!kOutNorm) row.stream_out[i] = narrow<T>(gated);
    return sums(gated, gated * gated);
  });
  if constexpr (kOutNorm) {
    const float rstd = reciprocal_rms(moments[1], row.width, row.eps);
    moments = exec.template sum<2>(row.width, [&](int64_t i) {
      const float x = normalised(rounded<T>(row.factor.sum * widen(row.sum[i])), rstd, row.out_gain[i]);
      row.stream_out[i] = narrow<T>(x);
      return sums(x, x * x);
    });
    if (exec.leader()) *row.out_rstd = rstd;
  }
  const float next_rstd = reciprocal_rms(moments[1], row.width, row.eps);
  if (row.normed != nullptr && row.next_gain != nullptr) {
    exec.each(row.width, [&](int64_t i) {
      const float normed = normalised(widen(row.stream_out[i]), next_rstd, row.next_gain[i]);
      row.normed[i] = narrow<T>(row.factor.next * normed);
    });
  } else if (row.normed != nullptr) {
    exec.each(row.width, [&](int64_t i) { row.normed[i] = narrow<T>(row.factor.next * widen(row.stream_out[i])); });
  }
  if (exec.leader()) {
    if constexpr (kBranchNorm) *row.branch_rstd = branch_rstd;
    if (row.next_rstd != nullptr) *row.next_rstd = next_rstd;
    row.row_sums[0] = moments[0];
    row.row_sums[1] = moments[1];
  }
}

enum class GateTerm { kNone, kSum, kSkip, kBranch, kNorm };

template <class T>
struct JunctionBackwardRow {
  int64_t width;
  float next_scale, skip_scale;
  GateTerm gate;
  JunctionFactors forward, backward;
  const T *sum, *branch, *stream, *grad_normed;  // stream: the x that the forward read, for a gate on the skip
  const T *branch_gain, *out_gain, *next_gain;
  T *grad_stream, *grad_branch;
  float branch_rstd = 0.0F, out_rstd = 0.0F, next_rstd = 0.0F;
  // Sums over the chunk that this row is in.
  float *branch_gain_sum = nullptr, *out_gain_sum = nullptr, *next_gain_sum = nullptr, *gate_sum = nullptr;
};

// dL/dx' in grad_stream: what came down the stream, plus what came through n = next_scale next_norm(x').
template <bool kOutNorm, class T, class Exec>
STRATA_KFN void next_norm_backward_row(Exec exec, const JunctionBackwardRow<T> row) {
  if (row.grad_normed == nullptr) return;
  const bool has_norm = row.next_gain != nullptr;
  const auto x = [&](int64_t i) {
    const float gated = rounded<T>(row.forward.sum * widen(row.sum[i]));
    if constexpr (kOutNorm) return normalised(gated, row.out_rstd, row.out_gain[i]);
    return gated;
  };
  float dot = 0.0F;  // Σ dL/dn next_norm(x')
  if (has_norm) {
    dot = exec.template sum<1>(row.width, [&](int64_t i) {
      return sums(widen(row.grad_normed[i]) * widen(row.next_gain[i]) * (x(i) * row.next_rstd));
    })[0];
    const float mean = row.backward.next * dot / static_cast<float>(row.width);
    exec.each(row.width, [&](int64_t i) {
      const float upstream = row.backward.next * widen(row.grad_normed[i]);
      const float normal = x(i) * row.next_rstd;
      const float grad = row.next_rstd * (upstream * widen(row.next_gain[i]) - normal * mean);
      row.grad_stream[i] = narrow<T>(widen(row.grad_stream[i]) + grad);
      row.next_gain_sum[i] += upstream * normal;
    });
  } else {
    if (row.gate == GateTerm::kNorm) {
      dot = exec.template sum<1>(row.width, [&](int64_t i) { return sums(widen(row.grad_normed[i]) * x(i)); })[0];
    }
    exec.each(row.width, [&](int64_t i) {
      const float grad = row.backward.next * widen(row.grad_normed[i]);
      row.grad_stream[i] = narrow<T>(widen(row.grad_stream[i]) + grad);
    });
  }
  if (row.gate == GateTerm::kNorm && exec.leader()) *row.gate_sum += row.next_scale * dot;
}

// From dL/dx' to the gradient of the gated sum, in grad_stream, through x' = out_norm(G(s)).
template <class T, class Exec>
STRATA_KFN void out_norm_backward_row(Exec exec, const JunctionBackwardRow<T> row) {
  const auto normal = [&](int64_t i) { return rounded<T>(row.forward.sum * widen(row.sum[i])) * row.out_rstd; };
  const auto dot = exec.template sum<1>(
      row.width, [&](int64_t i) { return sums(widen(row.grad_stream[i]) * widen(row.out_gain[i]) * normal(i)); });
  const float mean = dot[0] / static_cast<float>(row.width);
  exec.each(row.width, [&](int64_t i) {
    const float upstream = widen(row.grad_stream[i]);
    row.out_gain_sum[i] += upstream * normal(i);
    row.grad_stream[i] = narrow<T>(row.out_rstd * (upstream * widen(row.out_gain[i]) - normal(i) * mean));
  });
}

// Σ g ⊙ h of a gate on the sum, the skip or the branch; grad_stream holds the gradient of the gated sum.
template <bool kBranchNorm, class T, class Exec>
STRATA_KFN void gate_backward_row(Exec exec, const JunctionBackwardRow<T> row) {
  Sums<1> dot;
  if (row.gate == GateTerm::kSum) {
    dot =
        exec.template sum<1>(row.width, [&](int64_t i) { return sums(widen(row.grad_stream[i]) * widen(row.sum[i])); });
  } else if (row.gate == GateTerm::kSkip) {
    dot = exec.template sum<1>(
        row.width, [&](int64_t i) { return sums(row.skip_scale * widen(row.grad_stream[i]) * widen(row.stream[i])); });
  } else {
    dot = exec.template sum<1>(row.width, [&](int64_t i) {
      float f = widen(row.branch[i]);
      if constexpr (kBranchNorm) f = normalised(f, row.branch_rstd, row.branch_gain[i]);
      return sums(widen(row.grad_stream[i]) * f);
    });
  }
  if (exec.leader()) *row.gate_sum += dot[0];
}

template <bool kBranchNorm, bool kOutNorm, class T, class Exec>
STRATA_KFN void junction_backward_row(Exec exec, const JunctionBackwardRow<T> row) {
  next_norm_backward_row<kOutNorm>(exec, row);
  if constexpr (kOutNorm) out_norm_backward_row(exec, row);
  if (row.gate == GateTerm::kSum || row.gate == GateTerm::kSkip || row.gate == GateTerm::kBranch) {
    gate_backward_row<kBranchNorm>(exec, row);
  }
  const float to_skip = row.backward.sum * row.backward.skip;
  const float to_branch = row.backward.sum * row.backward.branch;
  if constexpr (kBranchNorm) {
    const auto normal = [&](int64_t i) { return widen(row.branch[i]) * row.branch_rstd; };
    const auto dot = exec.template sum<1>(row.width, [&](int64_t i) {
      return sums(to_branch * widen(row.grad_stream[i]) * widen(row.branch_gain[i]) * normal(i));
    });
    const float mean = dot[0] / static_cast<float>(row.width);
    exec.each(row.width, [&](int64_t i) {
      const float grad = widen(row.grad_stream[i]);
      const float weighted = to_branch * grad * widen(row.branch_gain[i]);
      row.grad_branch[i] = narrow<T>(row.branch_rstd * (weighted - normal(i) * mean));
      row.branch_gain_sum[i] += to_branch * grad * normal(i);
      row.grad_stream[i] = narrow<T>(to_skip * grad);
    });
  } else {
    exec.each(row.width, [&](int64_t i) {
      const float grad = widen(row.grad_stream[i]);
      row.grad_branch[i] = narrow<T>(to_branch * grad);
      row.grad_stream[i] = narrow<T>(to_skip * grad);
    });
  }
}

}  // namespace strata::kernels
