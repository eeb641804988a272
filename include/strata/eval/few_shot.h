#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "strata/eval/task.h"

namespace strata::eval {

/// Where the examples of a set come from.
const std::vector<Item>& example_pool(const ItemSet& set);

/// For each of the first `count` items its examples, as indices of example_pool(set) in the order of the prompt.
///
/// kSampled draws as upstream: one random.Random(1234) of Python for the set, sample(pool, shots) for item after item,
/// so what an item gets depends on those before it, and not on `count`; an item that is in the pool is not left out.
/// kSampledOthers draws shots + 1, leaves out what equals the item, and keeps the first `shots`; if too few are left
/// (the item is in the pool more than once), it draws anew from the others (ContextSampler.sample in api/samplers.py).
/// Throws Error, naming the set, where there are fewer examples than `shots`.
std::vector<std::vector<size_t>> few_shot_examples(const ItemSet& set, int64_t shots, size_t count);

}  // namespace strata::eval
