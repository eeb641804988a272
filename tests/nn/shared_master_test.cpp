// Parameters of `mixed` whose master values workers share.
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

#include "strata/io/tensor_files.h"
#include "support/models.h"
#include "support/temp_folder.h"

namespace strata::nn {
namespace {

ModelSpec spec_with_gates() {
  config::NormConfig norm;
  norm.scheme = "mix+gpas";
  return describe(strata::test::tiny_dims(), norm);
}

// What two workers would have: every other block.
std::vector<ArenaRange> blocks_of(int64_t worker, int64_t arena_size) {
  std::vector<ArenaRange> ranges;
  for (int64_t begin = worker * kArenaBlock; begin < arena_size; begin += 2 * kArenaBlock) {
    ranges.push_back({begin, std::min(begin + kArenaBlock, arena_size)});
  }
  return ranges;
}

struct Shared {
  Shared(const ModelSpec& spec, int64_t worker)
      : parameters(spec, config::Precision::kMixed, memory, true, blocks_of(worker, spec.layout.arena_size)) {}

  Allocator memory{at::kCPU};
  Parameters parameters;
};

void expect_part_of(const Parameters& whole, const Parameters& part) {
  ASSERT_TRUE(part.shares_master());
  int64_t place = 0;
  for (const ArenaRange& range : part.master_ranges()) {
    EXPECT_TRUE(
        at::equal(part.master().narrow(0, place, range.size()), whole.master().narrow(0, range.begin, range.size())))
        << range.begin;
    place += range.size();
  }
  EXPECT_EQ(part.master().numel(), place);
  EXPECT_TRUE(at::equal(part.values(), whole.values()));
  for (const ParamSpec& param : whole.layout().params) {
    if (param.role != ParameterRole::kGate) continue;
    EXPECT_TRUE(at::equal(part.gate(param.name), whole.master(param.name))) << param.name;
    EXPECT_EQ(part.gate(param.name).scalar_type(), at::kFloat);
  }
}

TEST(SharedMaster, BeginsWithTheSameNumbers) {
  const ModelSpec spec = spec_with_gates();
  Allocator memory(at::kCPU);
  Parameters whole(spec, config::Precision::kMixed, memory);
  whole.initialise(5);
  for (const int64_t worker : {0, 1}) {
    Shared part(spec, worker);
    part.parameters.initialise(5);
    expect_part_of(whole, part.parameters);
  }
}

TEST(SharedMaster, LoadsTheSameNumbers) {
  const ModelSpec spec = spec_with_gates();
  const strata::test::TempFolder folder;
  Allocator memory(at::kCPU);
  Parameters whole(spec, config::Precision::kMixed, memory);
  whole.initialise(7);
  for (const ParamSpec& param : whole.layout().params) {  // bf16 would round these
    if (param.role == ParameterRole::kGate)
      whole.write(param, at::full({}, 0.1F + 0.01F * static_cast<float>(param.layer)));
  }
  save_parameters(whole.layout(), whole.master(), folder / "model.safetensors");
  for (const int64_t worker : {0, 1}) {
    Shared part(spec, worker);
    load_parameters(part.parameters, io::TensorFiles(folder / "model.safetensors"));
    expect_part_of(whole, part.parameters);
  }
}

}  // namespace
}  // namespace strata::nn
