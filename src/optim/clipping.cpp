#include "strata/optim/clipping.h"

namespace strata::optim {

kernels::ClipRule clip_rule(const config::TrainConfig& config) {
  return {.global_limit = config.clip.global,
          .gate_limit = config.clip.gates,
          .halts = config.on_nonfinite == config::OnNonfinite::kStop};
}

}  // namespace strata::optim
