#pragma once

#include <random>

#include "strata/eval/harness.h"
#include "strata/norm/make.h"
#include "support/models.h"

namespace strata::test {

/// A random pre+gpas model for scoring, with a vocabulary of 200.
inline TestModel scoring_model(nn::BatchLimits limits, const std::string& gemm = "tiles") {
  config::ModelConfig dims = tiny_dims();
  dims.vocab = 200;
  config::NormConfig norm;
  norm.scheme = "pre+gpas";
  return {nn::describe(dims, norm), {.limits = limits, .gradients = false}, gemm};
}

/// Items of random ids, with 2 to 5 choices; every fourth begins with the same examples as the one before it.
inline std::vector<eval::AskedItem> asked_items(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  const auto number = [&](size_t below) { return static_cast<size_t>(random()) % below; };
  const auto ids = [&](size_t length) {
    std::vector<int32_t> ids(length);
    for (int32_t& id : ids) id = static_cast<int32_t>(number(200));
    return ids;
  };
  std::vector<eval::AskedItem> items;
  std::vector<int32_t> examples;
  for (size_t item = 0; item < count; ++item) {
    if (item % 4 != 3) examples = ids(number(60));
    std::vector<int32_t> context = examples;
    const std::vector<int32_t> question = ids(1 + number(40));
    context.insert(context.end(), question.begin(), question.end());
    eval::AskedItem asked;
    for (size_t choice = 0; choice < 2 + number(4); ++choice) {
      asked.choices.push_back({.context = context, .continuation = ids(1 + number(12))});
      asked.choice_characters.push_back(static_cast<int64_t>(1 + number(30)));
    }
    asked.gold = static_cast<int64_t>(number(2));
    items.push_back(std::move(asked));
  }
  return items;
}

}  // namespace strata::test
