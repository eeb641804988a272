// Muon: orthogonal updates of the layers' matrices, AdamW for all else.
#include "strata/kernels/muon.h"

#include <algorithm>
#include <cmath>

#include "adam.h"
#include "orthogonalizer.h"
#include "strata/base/check.h"

namespace strata::optim {
namespace {

// With its padding, which stays nought.
MatrixSize size_of(const ParamSpec& matrix) { return {matrix.arena_shape()[0], matrix.arena_shape()[1]}; }

std::vector<MatrixSize> sizes_of(const std::vector<ParamSpec>& matrices) {
  std::vector<MatrixSize> sizes;
  for (const ParamSpec& matrix : matrices) sizes.push_back(size_of(matrix));
  return sizes;
}

class Muon final : public Adam {
 public:
  Muon(const OptimizerSetup& setup, const Trained& trained, const std::vector<ArenaRange>& ranges, Allocator& allocator)
      : Adam(setup, trained, ranges, allocator, &Muon::is_of_adamw, &Muon::moves_whole),
        muon_(setup.config.muon),
        orthogonalizer_(muon_.orthogonalization, gemm_of(setup), sizes_of(whole_params()), setup.products, allocator) {}

  static bool moves_whole(const ParamSpec& param) {
    return param.role == ParameterRole::kLinear && param.shape.size() == 2;
  }

  double flops_per_update() const override {
    double flops = 0.0;
    for (const ParamSpec& matrix : whole_params()) flops += Orthogonalizer::flops(size_of(matrix));
    return flops;
  }

 private:
  static bool is_of_adamw(const ParamSpec& param) { return !moves_whole(param); }

  static const kernels::Gemm& gemm_of(const OptimizerSetup& setup) {
    STRATA_ASSERT(setup.gemm != nullptr);
    return *setup.gemm;
  }

  // Of a matrix as it is, without padding.
  double scale(const ParamSpec& matrix) const {
    const auto out = static_cast<double>(matrix.shape[0]), in = static_cast<double>(matrix.shape[1]);
    if (muon_.scale == config::MuonScale::kOriginal) return std::sqrt(std::max(1.0, out / in));
    return 0.2 * std::sqrt(std::max(out, in));
  }

  void update_whole(const ParamSpec& matrix, const RunArrays& arrays, const RunUpdate& update) override {
    const MatrixSize size = size_of(matrix);
    kernels::muon_momentum(orthogonalizer_.input(size), arrays.gradient, arrays.states[0],
                           {.momentum = muon_.momentum, .nesterov = muon_.nesterov, .chance = update.chance},
                           update.scale);
    kernels::muon_step(arrays.value, arrays.copy, orthogonalizer_.orthogonalize(size),
                       {.rate = update.rate * scale(matrix),
                        .shrink = 1.0 - update.rate * update.settings.weight_decay,
                        .chance = update.chance},
                       update.scale.apply);
  }

  config::MuonConfig muon_;
  Orthogonalizer orthogonalizer_;
};

}  // namespace
STRATA_REGISTER_OPTIMIZER("muon", Muon)
}  // namespace strata::optim
