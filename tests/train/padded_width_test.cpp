// Dimensions that are no multiple of 8: padded in the arenas, and nowhere else.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "strata/config/enums.h"
#include "strata/nn/parameters.h"
#include "strata/train/checkpoint/optimizer_files.h"
#include "strata/train/step.h"
#include "support/models.h"
#include "support/temp_folder.h"
#include "support/training.h"

namespace strata::train {
namespace {

using strata::test::TempFolder;
using strata::test::TestModel;

TEST(PaddedWidth, IsAMultipleOf64WhereTheWidthIsNoneOf8) {
  EXPECT_EQ(nn::padded_width(5461), 5504);
  EXPECT_EQ(nn::padded_width(61), 64);
  EXPECT_EQ(nn::padded_width(65), 128);
  for (const int64_t width : {8, 56, 64, 1368, 32000}) EXPECT_EQ(nn::padded_width(width), width);
}

TEST(PaddedWidth, ChangesTheArenasAlone) {
  const nn::ParameterLayout layout = nn::describe(strata::test::tiny_dims(), config::NormConfig{}).layout;
  const ParamSpec& down = layout.find("model.layers.1.mlp.down_proj.weight");
  EXPECT_EQ(down.shape, (std::vector<int64_t>{40, 43}));
  EXPECT_EQ(down.arena_shape(), (std::vector<int64_t>{40, 64}));
  EXPECT_EQ(down.count(), 40 * 43);
  EXPECT_EQ(down.arena_count(), 40 * 64);
  const ParamSpec& gate = layout.find("model.layers.1.mlp.gate_proj.weight");
  EXPECT_EQ(layout.find("model.layers.1.mlp.up_proj.weight").offset, gate.offset + 64 * 40);
  EXPECT_EQ(layout.find("lm_head.weight").arena_shape(), (std::vector<int64_t>{64, 40}));
  EXPECT_EQ(layout.find("model.embed_tokens.weight").arena_shape(), (std::vector<int64_t>{61, 40}));
  EXPECT_TRUE(layout.find("model.layers.0.self_attn.q_proj.weight").padded.empty());
}

// A square model: only the feed-forward's dimension is padded, however large the others are.
TEST(PaddedWidth, IsOfTheDimensionNotOfItsSize) {
  config::ModelConfig dims = strata::test::tiny_dims();
  dims.hidden = dims.intermediate = 36;
  dims.heads = 2;
  const nn::ParameterLayout layout = nn::describe(dims, config::NormConfig{}).layout;
  EXPECT_EQ(layout.find("model.layers.0.mlp.gate_proj.weight").arena_shape(), (std::vector<int64_t>{64, 36}));
  EXPECT_TRUE(layout.find("model.layers.0.self_attn.o_proj.weight").padded.empty());
}

// What of an arena is no parameter's element.
std::vector<at::Tensor> padding_of(const at::Tensor& arena, const nn::ParameterLayout& layout) {
  std::vector<at::Tensor> padding;
  for (const ParamSpec& param : layout.params) {
    if (param.padded.empty()) continue;
    const at::Tensor whole = arena.narrow(0, param.offset, param.arena_count()).view(param.padded);
    for (int64_t dim = 0; dim < 2; ++dim) {
      const int64_t there = param.shape[static_cast<size_t>(dim)];
      padding.push_back(whole.narrow(dim, there, whole.size(dim) - there).flatten());
    }
  }
  return padding;
}

struct Mode {
  config::Precision precision;
  config::Rounding rounding;
  config::OptimizerKind kind = config::OptimizerKind::kAdam;
};

class PaddedTraining : public testing::TestWithParam<Mode> {
 protected:
  PaddedTraining() {
    config_.model = strata::test::tiny_dims();
    config_.norm.scheme = "pre+gpas";
    config_.train.precision = GetParam().precision;
    config_.optimizer.kind = GetParam().kind;
    config_.optimizer.rounding = GetParam().rounding;
    config_.optimizer.weight_decay = 0.3;
    config_.train.global_batch = config_.train.micro_batch;
  }

  nn::ModelOptions options() const {
    nn::ModelOptions options = strata::test::tiny_options();
    options.precision = config_.train.precision;
    return options;
  }

  config::RunConfig config_;
};

TEST_P(PaddedTraining, LeavesThePaddingZero) {
  TestModel test(nn::describe(config_.model, config_.norm), options());
  Allocator memory(at::kCPU);
  strata::test::LoneTraining training(config_, test.model, memory);
  strata::test::randomise(test.model.parameters(), 7);
  test.model.parameters().refresh_values();
  const optim::Schedule schedule(config_.schedule, 0.01, 10);
  Step step(test.model, *training.optimizer, schedule, config_.train, training.parallel);
  for (int64_t index = 0; index < 4; ++index) {
    data::GlobalBatch batch;
    batch.micro_batches.push_back(strata::test::tiny_batch(config_.model.vocab, static_cast<uint64_t>(index)));
    batch.num_tokens = batch.micro_batches[0].num_tokens();
    batch.num_targets = batch.micro_batches[0].num_targets();
    EXPECT_TRUE(step.read(step.start(batch, index + 100, {}, {}).value(), {}).updated);
  }
  const nn::Parameters& parameters = test.model.parameters();
  std::vector<at::Tensor> arenas{parameters.master(), parameters.values(), parameters.gradients()};
  const OptimizerStates states = states_of(*training.optimizer);
  for (size_t index = 0; index < states.states.size(); ++index) {
    const at::Tensor& values = states.states[index].values;
    arenas.push_back(at::zeros({parameters.layout().arena_size}, values.options()));
    for (const ArenaRange& range : ranges_of(states, index)) {
      arenas.back().narrow(0, range.begin, range.size()).copy_(state_at(states, index, range));
    }
  }
  for (const at::Tensor& arena : arenas) {
    const at::Tensor padding = at::cat(padding_of(arena, parameters.layout()));
    ASSERT_GT(padding.numel(), 4 * (21 * 40));
    EXPECT_TRUE(padding.eq(0.0).all().item<bool>());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Modes, PaddedTraining,
    testing::Values(Mode{config::Precision::kFp32, config::Rounding::kNearest},
                    Mode{config::Precision::kMixed, config::Rounding::kNearest},
                    Mode{config::Precision::kBf16, config::Rounding::kStochastic},
                    Mode{config::Precision::kFp32, config::Rounding::kNearest, config::OptimizerKind::kMuon},
                    Mode{config::Precision::kBf16, config::Rounding::kStochastic, config::OptimizerKind::kMuon},
                    Mode{config::Precision::kFp32, config::Rounding::kNearest, config::OptimizerKind::kAdemamix},
                    Mode{config::Precision::kMixed, config::Rounding::kNearest, config::OptimizerKind::kLion}),
    [](const auto& info) {
      return str(config::enum_name(info.param.precision), "_", config::enum_name(info.param.kind));
    });

// Optimizer files know nothing of the padding, nor of how many workers cut the arenas where.
class OptimizerFiles : public testing::Test {
 protected:
  // States that say where they are: element number e of parameter p is 1000 p + e.
  OptimizerStates states_of_workers(const std::vector<ArenaRange>& ranges) const {
    at::Tensor arena = at::zeros({layout_.arena_size}, at::kFloat);
    for (size_t p = 0; p < layout_.params.size(); ++p) {
      const ParamSpec& param = layout_.params[p];
      at::Tensor view = arena.narrow(0, param.offset, param.arena_count()).view(param.arena_shape());
      for (size_t dim = 0; dim < param.padded.size(); ++dim)
        view = view.narrow(static_cast<int64_t>(dim), 0, param.shape[dim]);
      view.copy_(at::arange(param.count(), at::kFloat).view(param.shape).add(10000.0 * static_cast<double>(p)));
    }
    OptimizerStates states{.params = layout_.params, .ranges = ranges, .states = {}};
    std::vector<at::Tensor> parts;
    for (const ArenaRange& range : ranges) parts.push_back(arena.narrow(0, range.begin, range.size()));
    states.states.push_back({.name = "m", .values = at::cat(parts)});
    return states;
  }

  std::vector<ArenaRange> cut(int workers, int worker) const {
    const int64_t size = layout_.arena_size;
    return {{size * worker / workers, size * (worker + 1) / workers}};
  }

  void save(const std::filesystem::path& folder, int workers) const {
    for (int worker = 0; worker < workers; ++worker) {
      const auto ranges = cut(workers, worker);
      io::write_safetensors(folder / optimizer_file(worker, workers), named_states(states_of_workers(ranges), ranges));
    }
  }

  nn::ParameterLayout layout_ = nn::describe(strata::test::tiny_dims(), config::NormConfig{}).layout;
};

TEST_F(OptimizerFiles, HoldWhatIsThereOfEveryParameter) {
  const TempFolder folder;
  save(folder.path(), 1);
  const io::SafetensorsFile file = io::SafetensorsFile::open(folder / optimizer_file(0, 1));
  ASSERT_EQ(file.names().size(), layout_.params.size());
  for (size_t p = 0; p < layout_.params.size(); ++p) {
    const ParamSpec& param = layout_.params[p];
    const at::Tensor expected =
        at::arange(param.count(), at::kFloat).view(param.shape).add(10000.0 * static_cast<double>(p));
    EXPECT_TRUE(at::equal(file.tensor("m." + param.name), expected)) << param.name;
  }
}

TEST_F(OptimizerFiles, AreReadByAnyNumberOfWorkers) {
  for (const int saved : {1, 2, 3, 7}) {
    const TempFolder folder;
    save(folder.path(), saved);
    std::vector<std::string> files;
    for (int worker = 0; worker < saved; ++worker) files.push_back(optimizer_file(worker, saved));
    for (const int workers : {1, 2, 5}) {
      for (int worker = 0; worker < workers; ++worker) {
        const OptimizerStates expected = states_of_workers(cut(workers, worker));
        OptimizerStates states = expected;
        states.states[0].values = at::zeros_like(expected.states[0].values);
        load_states(folder.path(), files, states);
        EXPECT_TRUE(at::equal(states.states[0].values, expected.states[0].values)) << saved << " to " << workers;
      }
    }
  }
}

}  // namespace
}  // namespace strata::train
