#pragma once

#include <vector>

#include "strata/data/samples/instructions.h"
#include "strata/data/samples/samples.h"

namespace strata::data::test {

/// Records of made-up texts, of one to three turns, with the answers "yes" and "no".
std::vector<Instruction> made_up_records(int count);

/// Samples of consecutive ids, so that every id says where it comes from, with a response at their end.
std::vector<Sample> made_up_samples(const std::vector<int>& sizes);

/// As many random sizes from 2 to `most`.
std::vector<int> random_sizes(int count, int most);

}  // namespace strata::data::test
