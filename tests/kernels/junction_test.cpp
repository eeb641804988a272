// The fused junction against its equation in plain ATen, fp64, under autograd: all norms, gates and storage types.
#include "strata/kernels/junction.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/full.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "ops.h"
#include "strata/config/enums.h"

namespace strata::test {
namespace {

constexpr double kAlpha = 0.375;  // exact in bf16
constexpr double kEps = 1e-6;

struct Case {
  Shape shape{};
  at::ScalarType dtype = at::kFloat;
  Norm branch_norm = Norm::kNone, out_norm = Norm::kNone, next_norm = Norm::kNone;
  Gate gate = Gate::kNone;
  bool stop_gradient = true;
  bool has_branch = true;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.shape.rows << "x" << c.shape.width << " " << name_of(c.dtype) << " norms "
             << static_cast<int>(c.branch_norm) << static_cast<int>(c.out_norm) << static_cast<int>(c.next_norm)
             << " gate " << config::enum_name(c.gate) << " stop " << c.stop_gradient;
}

// Positive, so that no sum cancels and no norm blows up what little is left: rows of width 1 are among them.
struct Inputs {
  // A norm's parameters: gain, bias, alpha and shift, those that it has.
  struct Parameters {
    at::Tensor gain_D, bias_D, alpha, shift;

    Parameters(const Case& c, Norm kind, uint64_t seed) {
      if (kind != Norm::kNone) gain_D = uniform({c.shape.width}, c.dtype, seed, 0.5, 1.5);
      if (has_alpha(kind)) alpha = uniform({1}, c.dtype, seed + 10, 0.5, 1.0);
      if (!has_shift_and_bias(kind)) return;
      bias_D = uniform({c.shape.width}, c.dtype, seed + 20, 0.25, 0.5);
      shift = uniform({1}, c.dtype, seed + 30, -0.25, 0.25);
    }
  };

  explicit Inputs(const Case& c)
      : stream_ND(uniform({c.shape.rows, c.shape.width}, c.dtype, 1, 0.5, 2.0)),
        branch_ND(c.has_branch ? uniform({c.shape.rows, c.shape.width}, c.dtype, 2, 0.5, 2.0) : at::Tensor()),
        branch_norm(c, c.branch_norm, 3),
        out_norm(c, c.out_norm, 4),
        next_norm(c, c.next_norm, 5),
        grad_stream_ND(uniform({c.shape.rows, c.shape.width}, c.dtype, 6, -1.0, 1.0)),
        grad_normed_ND(uniform({c.shape.rows, c.shape.width}, c.dtype, 7, -1.0, 1.0)) {}
  at::Tensor stream_ND, branch_ND;
  Parameters branch_norm, out_norm, next_norm;
  at::Tensor grad_stream_ND, grad_normed_ND;
};

struct Results {
  at::Tensor stream_out_ND, normed_ND, row_sums_N2;
  at::Tensor grad_stream_ND, grad_branch_ND, grad_gate;
  kernels::JunctionNormGradients grad_branch_norm, grad_out_norm, grad_next_norm;
};

kernels::JunctionNorm norm_of(Norm kind, const Inputs::Parameters& of) {
  return {.kind = kind, .gain_D = of.gain_D, .bias_D = of.bias_D, .alpha = of.alpha, .shift = of.shift};
}

bool only_rms(const Case& c) { return kernels::only_rms(c.branch_norm, c.out_norm, c.next_norm); }

kernels::JunctionRule rule_of(const Case& c, const Inputs& in) {
  return {.skip_scale = 1.5,
          .next_scale = 0.75,
          .eps = kEps,
          .gate = c.gate,
          .stop_gradient = c.stop_gradient,
          .activation = GateActivation::kIdentity,
          .branch_norm = norm_of(c.branch_norm, in.branch_norm),
          .out_norm = norm_of(c.out_norm, in.out_norm),
          .next_norm = norm_of(c.next_norm, in.next_norm),
          .alpha = c.gate == Gate::kNone ? at::Tensor() : at::full({}, kAlpha, c.dtype)};
}

// The gate's activation is the identity here: factor 1 - alpha, slope 1.
Results fused(const Case& c, const Inputs& in) {
  const auto rows_of = [&](Norm norm) {
    return norm != Norm::kNone ? at::empty({c.shape.rows}, at::kFloat) : at::Tensor();
  };
  const auto zeros_for = [](const Inputs::Parameters& of) {
    const auto like = [](const at::Tensor& t) { return t.defined() ? at::zeros_like(t) : at::Tensor(); };
    return kernels::JunctionNormGradients{like(of.gain_D), like(of.bias_D), like(of.alpha), like(of.shift)};
  };
  const kernels::JunctionRule rule = rule_of(c, in);
  const kernels::JunctionSaved saved{.sum_ND = at::empty_like(in.stream_ND),
                                     .branch_rstd_N = rows_of(c.branch_norm),
                                     .out_rstd_N = rows_of(c.out_norm),
                                     .next_rstd_N = rows_of(c.next_norm)};
  Results r;
  r.stream_out_ND = at::empty_like(in.stream_ND);
  r.normed_ND = at::empty_like(in.stream_ND);
  r.row_sums_N2 = at::empty({c.shape.rows, 2}, at::kFloat);
  const kernels::JunctionInputs inputs{.stream_ND = in.stream_ND, .branch_ND = in.branch_ND};
  kernels::junction_forward({.stream_ND = r.stream_out_ND, .normed_ND = r.normed_ND, .row_sums_N2 = r.row_sums_N2},
                            saved, rule, inputs);

  r.grad_stream_ND = in.grad_stream_ND.clone();
  r.grad_branch_ND = at::empty_like(in.stream_ND);
  r.grad_branch_norm = zeros_for(in.branch_norm);
  r.grad_out_norm = zeros_for(in.out_norm);
  r.grad_next_norm = zeros_for(in.next_norm);
  r.grad_gate = c.gate == Gate::kNone ? at::Tensor() : at::zeros({}, c.dtype);
  kernels::junction_backward(
      {.stream_ND = r.grad_stream_ND,
       .branch_ND = r.grad_branch_ND,
       .parameters = {.branch_norm = r.grad_branch_norm,
                      .out_norm = r.grad_out_norm,
                      .next_norm = r.grad_next_norm,
                      .gate = r.grad_gate}},
      at::empty({kernels::junction_scratch_size(c.shape.rows, c.shape.width, only_rms(c))}, at::kFloat), rule, saved,
      inputs, in.grad_normed_ND);
  return r;
}

// What the values are in the fp64 reference, with the roundings that the contract names; they pass gradients through.
class Reference {
 public:
  Reference(const Case& c, const Inputs& in)
      : case_(c), stream_(leaf(in.stream_ND)), alpha_(leaf(at::full({}, kAlpha, at::kDouble))) {
    const auto leaf_of = [](const at::Tensor& t) { return t.defined() ? leaf(t) : at::Tensor(); };
    branch_ = leaf_of(in.branch_ND);
    const auto leaves_of = [&](const Inputs::Parameters& of) {
      return kernels::JunctionNormGradients{leaf_of(of.gain_D), leaf_of(of.bias_D), leaf_of(of.alpha),
                                            leaf_of(of.shift)};
    };
    branch_norm_ = leaves_of(in.branch_norm);
    out_norm_ = leaves_of(in.out_norm);
    next_norm_ = leaves_of(in.next_norm);
  }

  Results run(const Inputs& in) {
    at::Tensor sum = 1.5 * gate(Gate::kSkip, stream_);
    if (branch_.defined())
      sum = sum + gate(Gate::kBranch, norm(case_.branch_norm, branch_, branch_norm_, branch_growth_));
    const at::Tensor out = norm(case_.out_norm, rounded(gate(Gate::kSum, rounded(sum))), out_norm_, out_growth_);
    const at::Tensor normed = rounded(0.75 * gate(Gate::kNorm, norm(case_.next_norm, out, next_norm_, next_growth_)));
    ((out * wide(in.grad_stream_ND)).sum() + (normed * wide(in.grad_normed_ND)).sum()).backward();
    return {.stream_out_ND = out.detach(),
            .normed_ND = normed.detach(),
            .row_sums_N2 = at::stack({out.sum(1), at::pow(out, 2).sum(1)}, 1).detach(),
            .grad_stream_ND = stream_.grad(),
            .grad_branch_ND = branch_.defined() ? branch_.grad() : at::Tensor(),
            .grad_gate = grad_of(alpha_),
            .grad_branch_norm = grads_of(branch_norm_),
            .grad_out_norm = grads_of(out_norm_),
            .grad_next_norm = grads_of(next_norm_)};
  }

  /// Bounds of |dL/dx'| and of |dL/ds|: gradients of size 1 come in, and each norm lets them grow.
  double grad_out() const { return 1.0 + next_growth_; }
  double grad_sum() const { return grad_out() * out_growth_; }
  double grad_branch() const { return grad_sum() * branch_growth_; }

 private:
  at::Tensor rounded(const at::Tensor& x) const { return x + (x.to(case_.dtype).to(at::kDouble) - x).detach(); }

  // dnorm(x)/dx applied to g is r (w g - n mean(w g n)), with n = x r: at most r w (1 + max n mean n) times g.
  // Of a function of alpha x + shift: at most alpha w (slope at most 2 / sqrt(pi)) times g.
  at::Tensor norm(Norm kind, const at::Tensor& x, const kernels::JunctionNormGradients& of, double& growth) const {
    const at::Tensor& gain = of.gain_D;
    if (kind == Norm::kNone) return x;
    if (kind != Norm::kRms)
      growth = std::max(1.0, 1.13 * max_abs(gain) * (of.alpha.defined() ? max_abs(of.alpha) : 1.0));
    if (kind == Norm::kScale) return rounded(x * gain);
    if (kind == Norm::kTanh) return rounded(at::tanh(of.alpha * x) * gain);
    if (kind == Norm::kErf) return rounded(at::erf(of.alpha * x + of.shift) * gain + of.bias_D);
    const at::Tensor rstd = 1.0 / (at::pow(x, 2).mean(-1, true) + kEps).sqrt();
    const at::Tensor normal = x * rstd;
    growth = std::max(1.0, max_abs(rstd) * max_abs(gain) * (1.0 + max_abs(normal)));
    return rounded(rounded(normal) * gain);
  }

  at::Tensor gate(Gate place, const at::Tensor& h) const {
    return case_.gate == place ? h - alpha_ * (case_.stop_gradient ? h.detach() : h) : h;
  }

  static kernels::JunctionNormGradients grads_of(const kernels::JunctionNormGradients& leaves) {
    return {grad_of(leaves.gain_D), grad_of(leaves.bias_D), grad_of(leaves.alpha), grad_of(leaves.shift)};
  }
  static at::Tensor grad_of(const at::Tensor& leaf) { return leaf.defined() ? leaf.grad() : at::Tensor(); }

  Case case_;
  at::Tensor stream_, branch_, alpha_;
  kernels::JunctionNormGradients branch_norm_, out_norm_, next_norm_;  // leaves
  double branch_growth_ = 1.0, out_growth_ = 1.0, next_growth_ = 1.0;
};

// Forward: fp32 and fp64 agree but for sum_error in each of up to three norms, unless a value lies so near the middle
// of two bf16 numbers that they round apart (2 units), once again downstream (another 2).
// Backward: the gradient is stored up to three times on its way (3 units), from values apart by one such step (2).
// Sums over rows: the elements' rounding errors are independent and add up as a random walk (six deviations), beside
// the fp32 sum's own error.
void expect_agreement(const Case& c, const Inputs& in) {
  const Results ours = fused(c, in);
  Reference reference(c, in);
  const Results exact = reference.run(in);
  const double sums = 3.0 * sum_error(c.shape.width);
  const double forward = 4.0 * unit_of(c.dtype) + sums;
  const double backward = 5.0 * unit_of(c.dtype) + 2.0 * sums;
  EXPECT_LE(max_error(ours.stream_out_ND, exact.stream_out_ND), forward * max_abs(exact.stream_out_ND));
  EXPECT_LE(max_error(ours.normed_ND, exact.normed_ND), forward * max_abs(exact.normed_ND));
  EXPECT_LE(max_error(ours.row_sums_N2, exact.row_sums_N2), forward * max_abs(exact.row_sums_N2));

  EXPECT_LE(max_error(ours.grad_stream_ND, exact.grad_stream_ND), backward * 1.5 * reference.grad_sum());
  if (c.has_branch) {
    EXPECT_LE(max_error(ours.grad_branch_ND, exact.grad_branch_ND), backward * reference.grad_branch());
  }
  const auto expect_sum = [&](const char* what, const at::Tensor& sum, const at::Tensor& expected, int64_t terms,
                              double size) {
    if (!sum.defined()) return;
    const auto count = static_cast<double>(terms);
    const double bound = 6.0 * std::sqrt(count) * backward + count * sum_error(std::min<int64_t>(terms, 64)) +
                         count * sums + unit_of(c.dtype) * max_abs(expected) / size;
    EXPECT_LE(max_error(sum, expected), bound * size) << what;
  };
  constexpr double kNormal = 4.0;  // the largest value over the smallest: no row normalises to more
  const auto expect_norm = [&](const std::string& which, const kernels::JunctionNormGradients& sums,
                               const kernels::JunctionNormGradients& expected, double upstream) {
    const int64_t rows = c.shape.rows, all = rows * c.shape.width;
    const auto expect_one = [&](const char* what, const at::Tensor& sum, const at::Tensor& wanted, int64_t terms) {
      expect_sum((which + what).c_str(), sum, wanted, terms, upstream * kNormal);
    };
    expect_one("gain", sums.gain_D, expected.gain_D, rows);
    expect_one("bias", sums.bias_D, expected.bias_D, rows);
    expect_one("alpha", sums.alpha, expected.alpha, all);
    expect_one("shift", sums.shift, expected.shift, all);
  };
  expect_norm("branch ", ours.grad_branch_norm, exact.grad_branch_norm, reference.grad_sum());
  expect_norm("out ", ours.grad_out_norm, exact.grad_out_norm, reference.grad_out());
  expect_norm("next ", ours.grad_next_norm, exact.grad_next_norm, 1.0);
  expect_sum("gate", ours.grad_gate, exact.grad_gate, c.shape.rows * c.shape.width,
             reference.grad_sum() * (c.gate == Gate::kNorm ? kNormal : 5.0));
}

class JunctionKernel : public testing::TestWithParam<std::tuple<at::ScalarType, Gate>> {
 protected:
  template <class F>
  static void for_all_norms(F&& f) {
    const auto try_norms = [&](Norm branch, Norm out, Norm next) {
      f(Case{.dtype = std::get<0>(GetParam()),
             .branch_norm = branch,
             .out_norm = out,
             .next_norm = next,
             .gate = std::get<1>(GetParam())});
    };
    const auto rms = [](bool there) { return there ? Norm::kRms : Norm::kNone; };
    for (int norms = 0; norms < 8; ++norms)
      try_norms(rms((norms & 4) != 0), rms((norms & 2) != 0), rms((norms & 1) != 0));
    try_norms(Norm::kScale, Norm::kNone, Norm::kRms);
    try_norms(Norm::kNone, Norm::kNone, Norm::kTanh);
    try_norms(Norm::kNone, Norm::kNone, Norm::kErf);
    try_norms(Norm::kTanh, Norm::kRms, Norm::kErf);
    try_norms(Norm::kErf, Norm::kTanh, Norm::kNone);
    try_norms(Norm::kScale, Norm::kErf, Norm::kTanh);
    try_norms(Norm::kRms, Norm::kTanh, Norm::kRms);
  }
};

TEST_P(JunctionKernel, EqualsItsEquation) {
  for_all_norms([](Case c) {
    for (const Shape& shape : kShapes) {
      c.shape = shape;
      for (const bool stop : {true, false}) {
        c.stop_gradient = stop;
        SCOPED_TRACE(testing::PrintToString(c));
        expect_agreement(c, Inputs(c));
      }
    }
  });
}

TEST_P(JunctionKernel, BitsDoNotDependOnThreads) {
  for_all_norms([](Case c) {
    c.shape = {131, 33};
    SCOPED_TRACE(testing::PrintToString(c));
    const Inputs in(c);
    expect_same_bits_on_all_threads([&] {
      const Results r = fused(c, in);
      std::vector<at::Tensor> all{r.stream_out_ND, r.normed_ND, r.row_sums_N2, r.grad_stream_ND, r.grad_branch_ND};
      const auto add = [&](const at::Tensor& t) {
        if (t.defined()) all.push_back(t);
      };
      for (const auto& of : {r.grad_branch_norm, r.grad_out_norm, r.grad_next_norm}) {
        for (const at::Tensor& t : {of.gain_D, of.bias_D, of.alpha, of.shift}) add(t);
      }
      add(r.grad_gate);
      return all;
    });
  });
}

std::string case_name(const testing::TestParamInfo<JunctionKernel::ParamType>& info) {
  return name_of(std::get<0>(info.param)) + "_" + std::string(config::enum_name(std::get<1>(info.param)));
}

INSTANTIATE_TEST_SUITE_P(Table, JunctionKernel,
                         testing::Combine(testing::ValuesIn(kStorageTypes),
                                          testing::Values(Gate::kNone, Gate::kSum, Gate::kSkip, Gate::kBranch,
                                                          Gate::kNorm)),
                         case_name);

// The entry of the model: no branch yet.
TEST(JunctionEntry, EqualsItsEquationWithoutABranch) {
  for (const at::ScalarType dtype : kStorageTypes) {
    for (const Shape& shape : kShapes) {
      for (const Norm next_norm : {Norm::kNone, Norm::kRms, Norm::kErf}) {
        for (const Gate gate : {Gate::kNone, Gate::kSum, Gate::kNorm}) {
          const Case c{.shape = shape, .dtype = dtype, .next_norm = next_norm, .gate = gate, .has_branch = false};
          SCOPED_TRACE(testing::PrintToString(c));
          expect_agreement(c, Inputs(c));
        }
      }
    }
  }
}

// A block's sums of 4088 columns take more shared memory than it has unasked, by what its constant arrays need.
TEST(JunctionEntry, TakesRowsOfLargeModels) {
  for (const int64_t width : {4080, 4088, 8192}) {
    const Case c{.shape = {3, width},
                 .branch_norm = Norm::kRms,
                 .out_norm = Norm::kRms,
                 .next_norm = Norm::kRms,
                 .gate = Gate::kSum};
    SCOPED_TRACE(testing::PrintToString(c));
    expect_agreement(c, Inputs(c));
  }
}

// `mixed`: bf16 activations, fp32 gradients of the parameters.
TEST(JunctionEntry, ParameterGradientsAreAddedInTheirOwnType) {
  const Case c{.shape = {131, 33}, .dtype = at::kBFloat16, .next_norm = Norm::kRms};
  const Inputs in(c);
  const kernels::JunctionRule rule = rule_of(c, in);
  const kernels::JunctionSaved saved{.sum_ND = at::empty_like(in.stream_ND),
                                     .branch_rstd_N = {},
                                     .out_rstd_N = {},
                                     .next_rstd_N = at::empty({c.shape.rows}, at::kFloat)};
  const at::Tensor out = at::empty_like(in.stream_ND);
  const kernels::JunctionInputs inputs{.stream_ND = in.stream_ND, .branch_ND = in.branch_ND};
  kernels::junction_forward(
      {.stream_ND = out, .normed_ND = at::empty_like(out), .row_sums_N2 = at::empty({c.shape.rows, 2}, at::kFloat)},
      saved, rule, inputs);
  const at::Tensor gradient = at::full({c.shape.width}, 1000.0, at::kFloat);
  kernels::junction_backward({.stream_ND = in.grad_stream_ND.clone(),
                              .branch_ND = at::empty_like(out),
                              .parameters = {.next_norm = {.gain_D = gradient}}},
                             at::empty({kernels::junction_scratch_size(c.shape.rows, c.shape.width)}, at::kFloat), rule,
                             saved, inputs, in.grad_normed_ND);
  const at::Tensor exact = Reference(c, in).run(in).grad_next_norm.gain_D + 1000.0;
  // Storing it as bf16 would cost 4 at this size; the terms are 131 products of bf16 values, sixteen in fp32.
  EXPECT_LT(max_error(gradient, exact), 0.25);
}

}  // namespace
}  // namespace strata::test
