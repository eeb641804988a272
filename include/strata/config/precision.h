#pragma once

#include <array>
#include <string_view>

namespace strata::config {

enum class Precision { kAuto, kFp32, kBf16, kMixed };
constexpr std::array<std::string_view, 4> enum_names(Precision) { return {"auto", "fp32", "bf16", "mixed"}; }

enum class Recompute { kNone, kFfn, kLayer, kAuto };
constexpr std::array<std::string_view, 4> enum_names(Recompute) { return {"none", "ffn", "layer", "auto"}; }

}  // namespace strata::config
