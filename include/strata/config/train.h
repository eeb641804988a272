#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/config/affects.h"
#include "strata/config/checks.h"
#include "strata/config/precision.h"

namespace strata::config {

enum class LossAverage { kToken, kPerMicroBatch };
constexpr std::array<std::string_view, 2> enum_names(LossAverage) { return {"token", "per_micro_batch"}; }

enum class OnNonfinite { kStop, kSkip };
constexpr std::array<std::string_view, 2> enum_names(OnNonfinite) { return {"stop", "skip"}; }

/// train.clip.*: L2 norms that gradients are cut to; 0: no clipping
struct ClipConfig {
  double global = 0.0;
  double gates = 0.0;

  void fields(auto& field) {
    field("global", global, Affects::kNumbers, "all parameters together, gates included; 0: none", at_least(0.0));
    field("gates", gates, Affects::kNumbers, "then all gates together; 0: none", at_least(0.0));
  }

  bool operator==(const ClipConfig&) const = default;
};

enum class SpikeAction { kNone, kWarn, kSkip, kStop };
constexpr std::array<std::string_view, 4> enum_names(SpikeAction) { return {"none", "warn", "skip", "stop"}; }

/// train.spike.*: steps whose loss or gradient norm stands out from the steps before
struct SpikeConfig {
  SpikeAction action = SpikeAction::kNone;
  int64_t window = 128;
  double sigma = 6.0;

  void fields(auto& field) {
    field("action", action, Affects::kNumbers,
          "what a spike does, before the update; on a GPU skip and stop wait for it in every step");
    field("window", window, Affects::kNumbers, "steps before it that it is compared with", in_range(2, 1 << 16));
    field("sigma", sigma, Affects::kNumbers, "standard deviations above their mean that make a spike",
          greater_than(0.0));
  }

  bool operator==(const SpikeConfig&) const = default;
};

/// train.*: the optimizer steps
struct TrainConfig {
  static constexpr int64_t kLossChunkOfDevice = 0;
  static constexpr int64_t kAutoMicroBatch = 0;

  int64_t steps = 10000;
  int64_t stop_after = -1;
  int64_t global_batch = 512;
  int64_t micro_batch = 32;
  Precision precision = Precision::kAuto;
  Recompute recompute = Recompute::kNone;
  int64_t loss_chunk = kLossChunkOfDevice;
  int64_t token_multiple = 0;
  bool cuda_graph = false;
  LossAverage loss_average = LossAverage::kToken;
  ClipConfig clip;
  OnNonfinite on_nonfinite = OnNonfinite::kStop;
  SpikeConfig spike = {};
  std::string resume = "auto";
  std::vector<std::string> allow_change = {};

  void fields(auto& field) {
    field("steps", steps, Affects::kNumbers, "optimizer steps", at_least(1));
    field("stop_after", stop_after, Affects::kExecution,
          "end after this step, with a checkpoint, as if the time were over; -1: never", at_least(-1));
    field("global_batch", global_batch, Affects::kNumbers, "rows per optimizer step, over all workers",
          in_range(1, 1 << 20));
    field("micro_batch", micro_batch, Affects::kNumbers,
          "rows per forward pass on one worker; auto: the most with up to 16384 tokens on a GPU, 2048 else, that leave "
          "every virtual rank as many micro-batches",
          in_range(1, 1 << 20), Word{"auto", kAutoMicroBatch});
    field("precision", precision, Affects::kNumbers,
          "bf16: weights and states too; mixed: fp32 master; auto: mixed on a GPU, else fp32");
    field("recompute", recompute, Affects::kExecution,
          "what backward computes again instead of keeping it: the same bits in less memory; auto: "
          "the least of it that fits into the memory");
    field(
        "loss_chunk", loss_chunk, Affects::kNumbers,
        "rows of logits at a time; auto: 4096 on a GPU, which reads and writes the head's gradient for each, else 256",
        at_least(1), Word{"auto", kLossChunkOfDevice});
    field("token_multiple", token_multiple, Affects::kNumbers,
          "tokens of a micro-batch are padded to a multiple of it; 0: 128 on a GPU, 1 on the CPU",
          in_range(0, 1 << 16));
    field("cuda_graph", cuda_graph, Affects::kNumbers,
          "on a GPU, record a micro-batch's work once and launch it as a whole; packed rows");
    field("loss_average", loss_average, Affects::kNumbers,
          "every token of the global batch alike, or every micro-batch's mean alike");
    field("clip", clip, "gradient clipping");
    field("on_nonfinite", on_nonfinite, Affects::kNumbers,
          "a loss or gradient that is not finite: stop, or skip the update");
    field("spike", spike, "steps that stand out");
    field("resume", resume, Affects::kExecution,
          "auto: from the newest checkpoint of the run folder; none; or a checkpoint's path");
    field("allow_change", allow_change, Affects::kExecution,
          "keys that may differ from the checkpoint's although they change the numbers");
  }

  /// Throws KeyError where the numbers do not fit together.
  void validate() const;

  bool operator==(const TrainConfig&) const = default;
};

}  // namespace strata::config
