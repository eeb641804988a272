// Runs in which layers train by LISA: what moves and what does not, and what they write.
#include <ATen/ops/equal.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "strata/io/safetensors.h"
#include "strata/train/checkpoint/checkpoint.h"
#include "support/lisa_run.h"
#include "support/temp_folder.h"

namespace strata::train {
namespace {

using config::LisaSampling;
using config::LisaStates;
using config::Precision;
using nlohmann::json;
using strata::test::lisa_config;
using strata::test::LisaCase;
using strata::test::LisaRun;
using strata::test::TempFolder;
using Layers = std::vector<int64_t>;

constexpr int64_t kPeriods = 4;

bool is_active(const ParamSpec& param, const config::RunConfig& config, const Layers& layers) {
  if (param.role == ParameterRole::kGate && config.sft.freezes_gates()) return false;
  return param.layer < 0 || std::ranges::binary_search(layers, param.layer);
}

// The layers of each period.
std::vector<Layers> periods_of(const LisaRun& run) {
  const optim::LisaDraws draws(run.config.lisa, static_cast<uint64_t>(run.config.run.seed), run.lisa()->weights_L);
  std::vector<Layers> periods;
  for (int64_t period = 0; period < kPeriods; ++period) periods.push_back(draws.layers_of(period));
  return periods;
}

// Compares the parameters after every step with those before it.
class Witness final : public Hook {
 public:
  explicit Witness(const LisaRun& run) : run_(run), periods_(periods_of(run)) {}

  void before_step(int64_t index) override {
    layers_ = periods_.at(static_cast<size_t>(index / run_.config.lisa.interval));
    EXPECT_EQ(run_.training.lisa->layers(), layers_);
    master_ = run_.parameters().master().clone();
    values_ = run_.parameters().values().clone();
  }

  void after_step(const StepReport& report, const Progress&) override {
    for (const ParamSpec& param : run_.params()) {
      const auto is_same = [&](const at::Tensor& now, const at::Tensor& before) {
        return at::equal(now.narrow(0, param.offset, param.arena_count()),
                         before.narrow(0, param.offset, param.arena_count()));
      };
      const bool moves = is_active(param, run_.config, layers_);
      EXPECT_EQ(is_same(run_.parameters().master(), master_), !moves) << param.name << ", step " << report.step;
      EXPECT_TRUE(moves || is_same(run_.parameters().values(), values_)) << param.name << ", step " << report.step;
    }
  }

 private:
  const LisaRun& run_;
  std::vector<Layers> periods_;
  Layers layers_;
  at::Tensor master_, values_;
};

class Lisa : public testing::TestWithParam<LisaCase> {
 protected:
  const TempFolder folder_;
  const std::unique_ptr<workers::Communicator> alone_ = workers::alone();
  LisaRun run_{lisa_config(GetParam(), folder_ / "run"), *alone_};
};

TEST_P(Lisa, MovesTheLayersOfThePeriodAndWhatIsInNone) {
  std::vector<std::unique_ptr<Hook>> hooks;
  hooks.push_back(std::make_unique<Witness>(run_));
  run_.run(std::move(hooks));
  EXPECT_EQ(run_.lisa()->draws, kPeriods);
  std::set<Layers> different;
  for (const Layers& layers : periods_of(run_)) different.insert(layers);
  EXPECT_GT(different.size(), 1U) << "the seed is one of those that test nothing";
}

// Of each layer, those that its states know of: with `keep` all that it had, else those since it last began.
TEST_P(Lisa, CountsTheUpdatesOfEachLayer) {
  std::vector<int64_t> updates(4, 0);
  for (const Layers& layers : periods_of(run_)) {
    for (size_t layer = 0; layer < updates.size(); ++layer) {
      const bool trains = std::ranges::binary_search(layers, static_cast<int64_t>(layer));
      if (trains) updates[layer] += 3;
      if (!trains && GetParam().states == LisaStates::kDrop) updates[layer] = 0;
    }
  }
  run_.run();
  EXPECT_EQ(run_.lisa()->updates_L, updates);
}

TEST_P(Lisa, DrawsByTheNormsOfTheWeightsAtTheStart) {
  for (int64_t layer = 0; layer < 4; ++layer) {
    double squares = 0.0;
    for (const ParamSpec& param : run_.params()) {
      if (param.layer != layer) continue;
      squares += run_.parameters().master(param.name).to(at::kDouble).square().sum().item<double>();
    }
    const double weight = run_.lisa()->weights_L[static_cast<size_t>(layer)];
    if (GetParam().sampling == LisaSampling::kUniform) {
      EXPECT_EQ(weight, 1.0);
    } else {
      EXPECT_NEAR(weight, std::sqrt(squares), 1e-5 * weight);
    }
  }
}

std::vector<json> lines_of(const std::filesystem::path& file) {
  std::vector<json> lines;
  std::istringstream text(strata::test::read_file(file));
  for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST_P(Lisa, LayersFileSaysWhichTrained) {
  run_.run_with_files();
  const std::vector<json> lines = lines_of(folder_ / "run" / "layers.jsonl");
  const std::vector<Layers> periods = periods_of(run_);
  ASSERT_EQ(lines.size(), 12U);
  for (size_t step = 0; step < lines.size(); ++step) {
    const Layers& layers = periods[step / 3];
    EXPECT_EQ(lines[step].at("trained_layers"), json(layers));
    for (size_t layer = 0; layer < 4; ++layer) {
      const bool trains = std::ranges::binary_search(layers, static_cast<int64_t>(layer));
      EXPECT_GT(lines[step].at("weight_norm")[layer], 0.0);
      EXPECT_GT(lines[step].at("activation_variance")[layer], 0.0);
      EXPECT_EQ(lines[step].at("gradient_norm")[layer].is_null(), !trains) << lines[step];
      EXPECT_TRUE(!trains || lines[step].at("gradient_norm")[layer] > 0.0) << lines[step];
    }
  }
}

TEST_P(Lisa, LayersFileHasTheGradientsOfGatesThatTrain) {
  run_.run_with_files();
  const std::vector<json> lines = lines_of(folder_ / "run" / "layers.jsonl");
  const bool has_gates = GetParam().scheme.ends_with("+gpas");
  for (size_t step = 0; step < lines.size(); ++step) {
    EXPECT_EQ(lines[step].contains("gate"), has_gates);
    ASSERT_EQ(lines[step].contains("gate_gradient"), has_gates && !GetParam().fine_tunes);
    if (!lines[step].contains("gate_gradient")) continue;
    ASSERT_EQ(lines[step].at("gate_gradient").size(), 4U);
    for (size_t layer = 0; layer < 4; ++layer) {
      EXPECT_EQ(lines[step].at("gate_gradient")[layer].is_null(), lines[step].at("gradient_norm")[layer].is_null());
    }
  }
}

TEST_P(Lisa, OptimizerFilesHoldTheStatesThereAre) {
  run_.run_with_files();
  const auto file = io::SafetensorsFile::open(checkpoint_path(folder_ / "run", 12) / "optimizer-1-of-1.safetensors");
  const Layers all{0, 1, 2, 3}, last = periods_of(run_).back();
  std::set<std::string> expected;
  for (const ParamSpec& param : run_.params()) {
    if (!is_active(param, run_.config, GetParam().states == LisaStates::kKeep ? all : last)) continue;
    for (const auto& state : run_.training.optimizer->states()) {
      if (has_state(param, state)) expected.insert(state.name + "." + param.name);
    }
  }
  const auto names = file.names();
  EXPECT_EQ((std::set<std::string>(names.begin(), names.end())), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Runs, Lisa,
    testing::Values(LisaCase{}, LisaCase{.states = LisaStates::kDrop}, LisaCase{.scheme = "mix+gpas"},
                    LisaCase{.scheme = "mix+gpas", .states = LisaStates::kDrop, .fine_tunes = false},
                    LisaCase{.sampling = LisaSampling::kWeighted, .fine_tunes = false},
                    LisaCase{.scheme = "sandwich", .states = LisaStates::kDrop, .sampling = LisaSampling::kWeighted},
                    LisaCase{.states = LisaStates::kDrop, .precision = Precision::kMixed},
                    LisaCase{.scheme = "post+gpas", .precision = Precision::kMixed, .fine_tunes = false},
                    LisaCase{.states = LisaStates::kDrop, .kind = config::OptimizerKind::kMuon},
                    LisaCase{.states = LisaStates::kDrop, .kind = config::OptimizerKind::kLion}),
    [](const auto& info) { return name_of(info.param); });

// Frozen gates need no layers that take turns.
TEST(FrozenGates, StandStillInFullFineTuning) {
  const TempFolder folder;
  const auto alone = workers::alone();
  config::RunConfig config = lisa_config({}, folder / "run");
  config.lisa.layers = 0;
  LisaRun run(config, *alone);
  const at::Tensor before = run.parameters().master().clone();
  run.run();
  for (const ParamSpec& param : run.params()) {
    EXPECT_EQ(at::equal(run.parameters().master(param.name).flatten(), before.narrow(0, param.offset, param.count())),
              param.role == ParameterRole::kGate)
        << param.name;
  }
}

// As if it were not there, wherever it stands: the sums are those of the model itself over the others.
TEST(EmptyMicroBatch, AddsNothing) {
  const TempFolder folder;
  const auto alone = workers::alone();
  config::RunConfig config = lisa_config({}, folder / "run");
  config.parallel.virtual_ranks = 1;
  for (size_t place = 0; place < 4; ++place) {
    LisaRun ours(config, *alone), reference(config, *alone);
    data::GlobalBatch batch = strata::test::lisa_batch(ours.training.division, 0, 3, config.model.vocab);
    ASSERT_EQ(batch.micro_batches[3].num_tokens(), 0);
    double loss = 0.0;
    for (size_t i = 0; i < 3; ++i) {
      const double scale = 1.0 / static_cast<double>(batch.num_targets);
      loss += scale * reference.training.model.loss_and_gradients(batch.micro_batches[i], scale);
    }
    std::rotate(batch.micro_batches.begin() + static_cast<std::ptrdiff_t>(place), batch.micro_batches.begin() + 3,
                batch.micro_batches.end());
    ASSERT_EQ(batch.micro_batches[place].num_tokens(), 0);
    Step step(ours.training.model, *ours.training.optimizer, ours.schedule, config.train, ours.training.parallel);
    const StepReport report = step.read(step.start(batch, 0, {}, {.measures_layers = true}).value(), {});
    EXPECT_NEAR(report.loss, loss, 1e-12 * loss);
    EXPECT_TRUE(at::equal(ours.parameters().gradients(), reference.parameters().gradients()));
  }
}

}  // namespace
}  // namespace strata::train
