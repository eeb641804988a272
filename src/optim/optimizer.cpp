#include "strata/optim/optimizer.h"

#include "strata/base/check.h"
#include "strata/config/enums.h"

namespace strata::optim {
namespace {

const OptimizerKind& kind_of(const config::OptimizerConfig& config) {
  const std::string name(config::enum_name(config.kind));
  const OptimizerKind* kind = optimizer_registry().find(name);
  STRATA_CHECK(kind != nullptr, "optimizer.kind: no source file registers ", name);
  return *kind;
}

}  // namespace

OptimizerRegistry& optimizer_registry() {
  static OptimizerRegistry registry("optimizer");
  return registry;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerSetup& setup, const Trained& trained,
                                          const std::vector<ArenaRange>& ranges, Allocator& allocator) {
  return kind_of(setup.config).make(setup, trained, ranges, allocator);
}

bool moves_whole(const config::OptimizerConfig& config, const ParamSpec& param) {
  return kind_of(config).moves_whole(param);
}

}  // namespace strata::optim
