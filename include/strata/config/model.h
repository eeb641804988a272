#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

/// RMSNorms with gains on queries and keys, before the rotation.
enum class QkNorm {
  kNone,
  kHead,  // of each head, with one gain [head_dim] for all heads of a layer: Qwen3's
  kFull,  // of all heads side by side, with a gain as wide: OLMo 2's
};
constexpr std::array<std::string_view, 3> enum_names(QkNorm) { return {"none", "head", "full"}; }

/// model.*: the shape of a LLaMA decoder
struct ModelConfig {
  static constexpr int64_t kMost = 1 << 20;  // products of two sizes stay far from overflow
  static constexpr int64_t kAutoVocab = 0;

  int64_t vocab = 32000;
  int64_t hidden = 512;
  int64_t intermediate = 1368;
  int64_t layers = 12;
  int64_t heads = 8;
  int64_t kv_heads = 0;
  int64_t own_head_dim = 0;
  QkNorm qk_norm = QkNorm::kNone;
  double norm_eps = 1e-6;
  double rope_theta = 1e4;
  int64_t max_positions = 2048;

  void fields(auto& field) {
    field("vocab", vocab, Affects::kModel,
          "rows of the embedding and of the head; auto: the ids of data.tokenizer, to the next multiple of 64",
          in_range(2, kMost), Word{"auto", kAutoVocab});
    field("hidden", hidden, Affects::kModel, "width of the residual stream", in_range(2, kMost));
    field("intermediate", intermediate, Affects::kModel, "width inside the feed-forward", in_range(1, kMost));
    field("layers", layers, Affects::kModel, "attention and feed-forward pairs", in_range(1, kMost));
    field("heads", heads, Affects::kModel, "query heads", in_range(1, kMost));
    field("kv_heads", kv_heads, Affects::kModel, "key and value heads; 0: as many as query heads", in_range(0, kMost));
    field("head_dim", own_head_dim, Affects::kModel, "width of a head; 0: model.hidden over model.heads",
          in_range(0, kMost));
    field("qk_norm", qk_norm, Affects::kModel,
          "RMSNorm on queries and keys before the rotation: of each head (Qwen3), or of all heads together (OLMo 2)");
    field("norm_eps", norm_eps, Affects::kModel, "added to the mean square inside RMSNorm", greater_than(0));
    field("rope_theta", rope_theta, Affects::kModel, "base of the rotary embedding's wavelengths", greater_than(0));
    field("max_positions", max_positions, Affects::kExecution,
          "longest row that evaluation takes; max_position_embeddings of an export", in_range(1, 1 << 30));
  }

  int64_t head_dim() const { return own_head_dim == 0 ? hidden / heads : own_head_dim; }

  /// The number of key and value heads in force.
  int64_t kv() const { return kv_heads == 0 ? heads : kv_heads; }

  /// Throws KeyError where the numbers do not fit together.
  void validate() const;

  bool operator==(const ModelConfig&) const = default;
};

}  // namespace strata::config
