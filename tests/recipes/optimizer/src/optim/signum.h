#pragma once

#include "strata/optim/optimizer.h"

namespace strata::optim {

/// Signum (signSGD with momentum, arXiv 1802.04434), with the decay of AdamW:
///
///   m <- beta1 m + (1 - beta1) g      p <- p - rate (sign(m) + decay p)
///
/// Matrices decay; gains and gates do not.
class Signum final : public Optimizer {
 public:
  Signum(const config::OptimizerConfig& config, const Trained& trained, const std::vector<ArenaRange>& ranges,
         at::ScalarType dtype, Allocator& allocator);

  void update(const UpdateArenas& arenas, int64_t step, double rate, const at::Tensor& clip) override;
  void train(const Trained& trained) override;
  const std::vector<ParamSpec>& params() const override { return trained_.with_states; }
  const std::vector<ArenaRange>& ranges() const override { return ranges_; }
  const std::vector<State>& states() const override { return states_; }

 private:
  void update_part(const UpdateArenas& arenas, const TrainedParam& param, const ArenaRange& part, int64_t place,
                   double rate, const at::Tensor& clip) const;

  config::OptimizerConfig config_;
  std::vector<ArenaRange> ranges_;
  Trained trained_;
  std::vector<State> states_;
};

}  // namespace strata::optim
