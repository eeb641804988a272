#include "strata/kernels/muon.h"

#include "cpu_executor.h"
#include "muon.inl"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

float as_float(double value) { return static_cast<float>(value); }

MomentumNumbers numbers_of(const MuonMomentum& update) {
  const float momentum = as_float(update.momentum), rest = as_float(1.0 - update.momentum);
  return {.momentum = momentum,
          .rest = rest,
          .of_mean = update.nesterov ? momentum : 1.0F,
          .of_newest = update.nesterov ? rest : 0.0F,
          .key = update.chance.random_key};
}

}  // namespace

void muon_momentum(const at::Tensor& out, const at::Tensor& gradient, const at::Tensor& m, const MuonMomentum& update,
                   const UpdateScale& scale) {
  const auto* factor = pointer<double>(scale.factor);
  const auto* apply = pointer<double>(scale.apply);
  MomentumNumbers n = numbers_of(update);
  if (const DeviceKernels* device = device_kernels(out)) {
    return device->muon_momentum(array(out), array(gradient), array(m), update.chance.first, out.numel(), n,
                                 update.chance.stochastic, factor, apply);
  }
  if (*apply == 0.0) return;
  n.gradient_scale = as_float(*factor);
  with_storage_type(out, [&](auto out_type) {
    with_storage_type(m, [&](auto type) {
      using T = decltype(type);
      const MomentumArrays<decltype(out_type), T> all{
          update.chance.first, out.numel(), pointer<decltype(out_type)>(out), pointer<T>(gradient), pointer<T>(m)};
      with_flag(update.chance.stochastic, [&](auto by_chance) {
        parallel_parts(all.count, [&](int64_t begin, int64_t count) {
          momentum_range<decltype(by_chance)::value>(CpuExecutor{}, n, part_of(all, begin, count));
        });
      });
    });
  });
}

void divide_by_norm(const at::Tensor& x, const at::Tensor& square, const NormDivisor& divisor) {
  const DivisorNumbers n{divisor.factor, divisor.floor, divisor.added};
  if (const DeviceKernels* device = device_kernels(x)) {
    return device->divide_by_norm(array(x), pointer<double>(square), n, x.numel());
  }
  const float by = divisor_of(n, *pointer<double>(square));
  with_storage_type(x, [&](auto type) {
    auto* const data = pointer<decltype(type)>(x);
    parallel_parts(x.numel(),
                   [&](int64_t begin, int64_t count) { divide_range(CpuExecutor{}, data + begin, by, count); });
  });
}

void matrix_polynomial(const at::Tensor& squared_NN, const at::Tensor& gram_NN, const MatrixPolynomial& polynomial) {
  const PolynomialNumbers n{as_float(polynomial.a), as_float(polynomial.b), as_float(polynomial.c)};
  const int64_t width = gram_NN.size(0);
  if (const DeviceKernels* device = device_kernels(gram_NN)) {
    return device->matrix_polynomial(array(squared_NN), array(gram_NN), n, width);
  }
  with_storage_type(gram_NN, [&](auto type) {
    using T = decltype(type);
    auto* const squared = pointer<T>(squared_NN);
    const auto* const gram = pointer<T>(gram_NN);
    parallel_rows(width, 16, [&](int64_t row) {
      polynomial_row(CpuExecutor{}, n, squared + row * width, gram + row * width, row, width);
    });
  });
}

void muon_step(const at::Tensor& value, const at::Tensor& copy, const at::Tensor& orthogonal, const MuonStep& step,
               const at::Tensor& apply) {
  const StepNumbers n{.rate = as_float(step.rate), .shrink = as_float(step.shrink), .key = step.chance.random_key};
  const int64_t first = step.chance.first, size = value.numel();
  if (const DeviceKernels* device = device_kernels(value)) {
    return device->muon_step(array(value), array(copy), array(orthogonal), first, size, n, step.chance.stochastic,
                             pointer<double>(apply));
  }
  if (*pointer<double>(apply) == 0.0) return;
  with_storage_type(value, [&](auto type) {
    with_storage_type(orthogonal, [&](auto in_type) {
      using T = decltype(type);
      using In = decltype(in_type);
      const StepArrays<T, In> all{first, size, pointer<T>(value), pointer<Bf16>(copy), pointer<In>(orthogonal)};
      with_flag(step.chance.stochastic, [&](auto by_chance) {
        parallel_parts(all.count, [&](int64_t begin, int64_t count) {
          step_range<decltype(by_chance)::value>(CpuExecutor{}, n, part_of(all, begin, count));
        });
      });
    });
  });
}

}  // namespace strata::kernels
