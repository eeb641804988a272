#include "strata/train/lisa.h"

#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

class LisaHook final : public Hook {
 public:
  explicit LisaHook(Lisa& lisa) : lisa_(lisa) {}

  void before_step(int64_t index) override {
    if (!lisa_.draw_before(index)) return;
    std::vector<std::string> layers;
    for (const int64_t layer : lisa_.layers()) layers.push_back(std::to_string(layer));
    log::info(str("step ", index + 1, "  layers that train: ", join(layers, ", ")));
  }

 private:
  Lisa& lisa_;
};

}  // namespace

std::unique_ptr<Hook> lisa(Lisa& lisa) { return std::make_unique<LisaHook>(lisa); }

}  // namespace strata::train
