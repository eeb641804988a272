#pragma once

#include <array>
#include <string_view>

namespace strata::config {

/// What another value of a key changes. Every key says it at its field(...).
enum class Affects {
  kModel,      // what the parameters mean: no checkpoint can be taken up under another value
  kNumbers,    // the numbers that a run computes
  kContents,   // the numbers too, but by what the named files hold, not by where they lie
  kExecution,  // how a run is computed, kept and watched, by all its workers
  kHost,       // how one host computes and where its files lie
};
constexpr std::array<std::string_view, 5> enum_names(Affects) {
  return {"model", "numbers", "contents", "execution", "host"};
}

/// Whether a checkpoint of another value belongs to a run with other numbers. Contents are compared by themselves.
constexpr bool changes_numbers(Affects affects) { return affects == Affects::kModel || affects == Affects::kNumbers; }

/// Whether all workers of a run must have the same value. Contents are compared by themselves.
constexpr bool is_shared(Affects affects) { return affects != Affects::kContents && affects != Affects::kHost; }

}  // namespace strata::config
