#include "strata/eval/few_shot.h"

#include <algorithm>
#include <numeric>

#include "eval/python.h"
#include "strata/base/check.h"

namespace strata::eval {
namespace {

constexpr uint32_t kSeed = 1234;  // lm-evaluation-harness's fewshot_random_seed

std::vector<size_t> first(size_t shots) {
  std::vector<size_t> examples(shots);
  std::iota(examples.begin(), examples.end(), size_t{0});
  return examples;
}

std::vector<size_t> first_others(size_t shots, size_t item) {
  std::vector<size_t> examples = first(shots);
  for (size_t& example : examples) example += example >= item ? 1 : 0;
  return examples;
}

std::vector<size_t> sample_others(PythonRandom& random, const ItemSet& set, const Item& item, size_t shots) {
  const std::vector<Item>& pool = set.pool;
  if (shots == 0) return {};
  std::vector<size_t> examples = random.sample(pool.size(), shots + 1);
  std::erase_if(examples, [&](size_t example) { return pool[example] == item; });
  if (examples.size() < shots) {
    std::vector<size_t> others;
    for (size_t i = 0; i < pool.size(); ++i) {
      if (pool[i] != item) others.push_back(i);
    }
    STRATA_CHECK(others.size() >= shots, set.name, ": ", shots, " examples are wanted for each item, there are ",
                 others.size(), " others");
    examples = random.sample(others.size(), shots);
    for (size_t& example : examples) example = others[example];
  }
  examples.resize(shots);
  return examples;
}

}  // namespace

const std::vector<Item>& example_pool(const ItemSet& set) {
  return set.examples == Examples::kFirstOthers ? set.items : set.pool;
}

std::vector<std::vector<size_t>> few_shot_examples(const ItemSet& set, int64_t shots, size_t count) {
  const std::vector<Item>& pool = example_pool(set);
  const bool others_only = set.examples == Examples::kFirstOthers || set.examples == Examples::kSampledOthers;
  const int64_t there = std::max<int64_t>(std::ssize(pool) - (others_only ? 1 : 0), 0);
  STRATA_CHECK(0 <= shots && shots <= there, set.name, ": ", shots, " examples are wanted for each item, there are ",
               there);
  const auto wanted = static_cast<size_t>(shots);
  PythonRandom random(kSeed);
  std::vector<std::vector<size_t>> examples(std::min(count, set.items.size()));
  for (size_t item = 0; item < examples.size(); ++item) {
    switch (set.examples) {
      case Examples::kFirst:
        examples[item] = first(wanted);
        break;
      case Examples::kFirstOthers:
        examples[item] = first_others(wanted, item);
        break;
      case Examples::kSampled:
        examples[item] = random.sample(pool.size(), wanted);
        break;
      case Examples::kSampledOthers:
        examples[item] = sample_others(random, set, set.items[item], wanted);
        break;
    }
  }
  return examples;
}

}  // namespace strata::eval
