#include "strata/train/layer_turns.h"

#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/hooks.h"

namespace strata::train {
namespace {

class LayerTurnsHook final : public Hook {
 public:
  explicit LayerTurnsHook(LayerTurns& turns) : turns_(turns) {}

  void before_step(int64_t index) override {
    if (!turns_.draw_before(index)) return;
    std::vector<std::string> layers;
    for (const int64_t layer : turns_.layers()) layers.push_back(std::to_string(layer));
    log::info(str("step ", index + 1, "  layers that train: ", join(layers, ", ")));
  }

 private:
  LayerTurns& turns_;
};

}  // namespace

std::unique_ptr<Hook> layer_turns(LayerTurns& turns) { return std::make_unique<LayerTurnsHook>(turns); }

}  // namespace strata::train
