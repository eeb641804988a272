#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

enum class LisaStates { kKeep, kDrop };
constexpr std::array<std::string_view, 2> enum_names(LisaStates) { return {"keep", "drop"}; }

enum class LisaSampling { kUniform, kWeighted };
constexpr std::array<std::string_view, 2> enum_names(LisaSampling) { return {"uniform", "weighted"}; }

/// lisa.*: only a few layers train at a time, drawn anew every so often
struct LisaConfig {
  int64_t layers = 0;
  int64_t interval = 3;
  LisaStates states = LisaStates::kKeep;
  LisaSampling sampling = LisaSampling::kUniform;
  int64_t seed = -1;

  void fields(auto& field) {
    field("layers", layers, Affects::kNumbers, "layers that train at a time; 0, or lisa: none: all", at_least(0));
    field("interval", interval, Affects::kNumbers, "steps until others are drawn", at_least(1));
    field("states", states, Affects::kNumbers,
          "the optimizer's states of layers that stop training: kept for their next turn, or dropped");
    field("sampling", sampling, Affects::kNumbers, "how layers are drawn");
    field("seed", seed, Affects::kNumbers, "of the draws; -1: run.seed", at_least(-1));
  }

  /// What `lisa: none` stands for.
  void none() { layers = 0; }

  bool operator==(const LisaConfig&) const = default;
};

}  // namespace strata::config
