// A junction with norms of any kind, forward and backward, over one row. Where all are RMSNorms, junction.inl's bodies
// do the same with less memory traffic.
#pragma once

#include "junction.inl"

namespace strata::kernels {

template <class T, class Exec>
STRATA_KFN void junction_forward_row_of_kinds(Exec exec, const JunctionForwardRow<T> row) {
  float branch_rstd = 0.0F;
  if (row.branch_norm.kind == Norm::kRms) {
    const auto squares = exec.template sum<1>(row.width, [&](auto i) {
      const auto f = read(row.branch, i);
      return sums(f * f);
    });
    branch_rstd = reciprocal_rms(squares[0], row.width, row.eps);
  }
  const bool has_out_norm = row.out_norm.kind != Norm::kNone;
  Sums<2> moments{};
  with_kind(exec, row.branch_norm.kind, [&](auto kind) {
    const NormNumbers numbers = norm_numbers(row.branch_norm, branch_rstd);
    moments = exec.template sum<2>(row.width, [&](auto i) {
      const auto f = norm_of(kind, row.branch_norm, numbers, read(row.branch, i), i);
      const auto s = rounded<T>(row.factor.skip * read(row.stream, i) + row.factor.branch * f);
      write(row.sum, i, s);
      const auto gated = rounded<T>(row.factor.sum * s);
      if (!has_out_norm) write(row.stream_out, i, gated);
      return sums(gated, gated * gated);
    });
  });
  const float out_rstd = reciprocal_rms(moments[1], row.width, row.eps);
  if (has_out_norm) {
    with_kind(exec, row.out_norm.kind, [&](auto kind) {
      const NormNumbers numbers = norm_numbers(row.out_norm, out_rstd);
      moments = exec.template sum<2>(row.width, [&](auto i) {
        const auto x = norm_of(kind, row.out_norm, numbers, rounded<T>(row.factor.sum * read(row.sum, i)), i);
        write(row.stream_out, i, x);
        return sums(x, x * x);
      });
    });
  }
  const float next_rstd = reciprocal_rms(moments[1], row.width, row.eps);
  if (row.normed != nullptr) {
    with_kind(exec, row.next_norm.kind, [&](auto kind) {
      const NormNumbers numbers = norm_numbers(row.next_norm, next_rstd);
      exec.each(row.width, [&](auto i) {
        write(row.normed, i, row.factor.next * norm_of(kind, row.next_norm, numbers, read(row.stream_out, i), i));
      });
    });
  }
  if (exec.leader()) {
    if (row.branch_rstd != nullptr) *row.branch_rstd = branch_rstd;
    if (row.out_rstd != nullptr) *row.out_rstd = out_rstd;
    if (row.next_rstd != nullptr) *row.next_rstd = next_rstd;
    row.row_sums[0] = moments[0];
    row.row_sums[1] = moments[1];
  }
}

STRATA_KFN float number_or_zero(const float* number) { return number == nullptr ? 0.0F : *number; }

// As next_norm_backward_row.
template <class T, class Exec, class Pointer>
STRATA_KFN float next_norm_backward_row_of_kinds(Exec exec, const JunctionBackwardRow<T> row,
                                                 const JunctionSums<Pointer> sum) {
  float dot = 0.0F;
  if (row.grad_normed == nullptr) return dot;
  const NormNumbers of_out = norm_numbers(row.out_norm, number_or_zero(row.out_rstd));
  const NormNumbers of_next = norm_numbers(row.next_norm, number_or_zero(row.next_rstd));
  with_kind(exec, row.out_norm.kind, [&](auto out) {
    const auto x = [&](auto i) {
      return norm_of(out, row.out_norm, of_out, rounded<T>(row.forward.sum * read(row.sum, i)), i);
    };
    with_kind(exec, row.next_norm.kind, [&](auto next) {
      if (row.gate == Gate::kNorm) {
        dot = exec.template sum<1>(row.width, [&](auto i) {
          return sums(read(row.grad_normed, i) * norm_of(next, row.next_norm, of_next, x(i), i));
        })[0];
      }
      norm_backward_row(
          exec, next, row.width, row.next_norm, of_next,
          [&](auto i) { return row.backward.next * read(row.grad_normed, i); }, x,
          [&](auto i, const auto& grad) { write(row.grad_stream, i, read(row.grad_stream, i) + grad); }, sum.next);
    });
  });
  return dot;
}

template <class T, class Exec, class Pointer>
STRATA_KFN void junction_backward_row_of_kinds(Exec exec, const JunctionBackwardRow<T> row,
                                               const JunctionSums<Pointer> sum) {
  const float of_normed = next_norm_backward_row_of_kinds(exec, row, sum);
  const auto grad_sum = [&](auto i) { return read(row.grad_stream, i); };
  if (row.out_norm.kind != Norm::kNone) {
    with_kind(exec, row.out_norm.kind, [&](auto kind) {
      norm_backward_row(
          exec, kind, row.width, row.out_norm, norm_numbers(row.out_norm, number_or_zero(row.out_rstd)), grad_sum,
          [&](auto i) { return rounded<T>(row.forward.sum * read(row.sum, i)); },
          [&](auto i, const auto& grad) { write(row.grad_stream, i, grad); }, sum.out);
    });
  }
  const NormNumbers of_branch = norm_numbers(row.branch_norm, number_or_zero(row.branch_rstd));
  const float to_skip = row.backward.sum * row.backward.skip;
  const float to_branch = row.backward.sum * row.backward.branch;
  with_kind(exec, row.branch_norm.kind, [&](auto kind) {
    const auto f = [&](auto i) { return read(row.branch, i); };
    gate_backward_row(
        exec, row, of_normed, [&](auto i) { return norm_of(kind, row.branch_norm, of_branch, f(i), i); }, sum);
    const auto upstream = [&](auto i) { return to_branch * grad_sum(i); };
    const auto store = [&](auto i, const auto& grad) {
      write(row.grad_branch, i, grad);
      write(row.grad_stream, i, to_skip * grad_sum(i));
    };
    if (kind == Norm::kNone) {
      exec.each(row.width, [&](auto i) { store(i, upstream(i)); });
    } else {
      norm_backward_row(exec, kind, row.width, row.branch_norm, of_branch, upstream, f, store, sum.branch);
    }
  });
}

}  // namespace strata::kernels
