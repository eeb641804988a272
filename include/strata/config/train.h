#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "strata/config/checks.h"

namespace strata::config {

enum class Precision { kAuto, kFp32, kBf16, kMixed };
constexpr std::array<std::string_view, 4> enum_names(Precision) { return {"auto", "fp32", "bf16", "mixed"}; }

enum class Recompute { kNone, kFfn, kLayer };
constexpr std::array<std::string_view, 3> enum_names(Recompute) { return {"none", "ffn", "layer"}; }

/// train.*: one optimizer step
struct TrainConfig {
  int64_t global_batch = 512;
  int64_t micro_batch = 32;
  Precision precision = Precision::kAuto;
  Recompute recompute = Recompute::kNone;
  int64_t loss_chunk = 256;

  void fields(auto& field) {
    field("global_batch", global_batch, "rows per optimizer step, over all workers", in_range(1, 1 << 20));
    field("micro_batch", micro_batch, "rows per forward pass on one worker", in_range(1, 1 << 20));
    field("precision", precision, "bf16: weights and states too; mixed: fp32 master; auto: mixed on a GPU, else fp32");
    field("recompute", recompute, "what backward computes again instead of keeping it");
    field("loss_chunk", loss_chunk, "rows of logits at a time", at_least(1));
  }

  /// Throws KeyError where the numbers do not fit together.
  void validate() const;

  bool operator==(const TrainConfig&) const = default;
};

}  // namespace strata::config
