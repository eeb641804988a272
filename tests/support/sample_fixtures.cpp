#include "support/sample_fixtures.h"

#include <numeric>

#include "strata/base/seed.h"
#include "support/data_fixtures.h"

namespace strata::data::test {

std::vector<Instruction> made_up_records(int count) {
  std::vector<Instruction> records(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    Instruction& record = records[static_cast<size_t>(i)];
    for (int turn = 0; turn <= i % 3; ++turn) {
      record.turns.push_back({.instruction = made_up_text(3 * i + turn, 2 + i % 5),
                              .input = i % 2 == 0 ? "" : made_up_text(7 * i, 3),
                              .output = made_up_text(5 * i + turn, 1 + i % 4)});
    }
    record.answer = i % 4 == 0 ? "no" : "yes";
  }
  return records;
}

std::vector<Sample> made_up_samples(const std::vector<int>& sizes) {
  std::vector<Sample> samples;
  int32_t next = 0;
  for (const int size : sizes) {
    Sample sample;
    sample.ids.resize(static_cast<size_t>(size));
    std::iota(sample.ids.begin(), sample.ids.end(), next);
    next += size;
    sample.prompt = size / 2;
    sample.scored = {{sample.prompt, size}};
    samples.push_back(sample);
  }
  return samples;
}

std::vector<int> random_sizes(int count, int most) {
  std::vector<int> sizes;
  for (int i = 0; i < count; ++i) sizes.push_back(2 + static_cast<int>(mix_bits(i) % static_cast<uint64_t>(most - 1)));
  return sizes;
}

}  // namespace strata::data::test
