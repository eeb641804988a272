// Layers take turns on any number of workers: the same bytes.
#include <ATen/ops/equal.h>

#include <nlohmann/json.hpp>

#include "support/lisa_run.h"
#include "support/temp_folder.h"
#include "support/workers.h"

namespace strata::train {
namespace {

using config::LisaStates;
using config::Precision;
using strata::test::as_workers;
using strata::test::lisa_config;
using strata::test::LisaCase;
using strata::test::LisaRun;
using strata::test::TempFolder;

struct Result {
  std::vector<std::string> lines;  // of all steps: loss, norm, statistics of layers
  at::Tensor parameters;
  std::vector<at::Tensor> states;  // parameter by parameter
  std::optional<LisaState> lisa;
};

class Lines final : public Hook {
 public:
  explicit Lines(std::vector<std::string>& lines) : lines_(lines) {}
  void after_step(const StepReport& report, const Progress& progress) override {
    lines_.push_back(nlohmann::json{{"loss", report.loss},
                                    {"norm", report.norms.global},
                                    {"tokens", progress.tokens},
                                    {"layers", report.layers->line(report.step)}}
                         .dump());
  }

 private:
  std::vector<std::string>& lines_;
};

Result result_of(const LisaRun& run, std::vector<std::string> lines) {
  Result result{.lines = std::move(lines), .parameters = {}, .states = {}, .lisa = run.lisa()};
  result.parameters = run.parameters().master().narrow(0, 0, run.params().back().offset).clone();
  const OptimizerStates states = states_of(*run.training.optimizer);
  for (size_t i = 0; i < states.states.size(); ++i) {
    for (const ParamSpec& param : states.params) {
      if (!optim::has_state(param, states.states[i])) continue;
      result.states.push_back(state_at(states, i, place_of(param)).clone());
    }
  }
  return result;
}

void expect_same(const Result& one, const Result& other) {
  EXPECT_EQ(one.lines, other.lines);
  EXPECT_EQ(one.lisa, other.lisa);
  EXPECT_TRUE(at::equal(one.parameters, other.parameters));
  ASSERT_EQ(one.states.size(), other.states.size());
  for (size_t i = 0; i < one.states.size(); ++i) EXPECT_TRUE(at::equal(one.states[i], other.states[i])) << i;
}

// What every worker has at the end, which must be the same.
Result train_with(int world_size, const LisaCase& one, bool reads_late) {
  const TempFolder folder;
  std::vector<Result> results(static_cast<size_t>(world_size));
  as_workers(world_size, [&](workers::Communicator& workers) {
    LisaRun run(lisa_config(one, folder / "run"), workers);
    std::vector<std::string> lines;
    std::vector<std::unique_ptr<Hook>> hooks;
    hooks.push_back(std::make_unique<Lines>(lines));
    run.run(std::move(hooks), {.reads_late = reads_late});
    results[static_cast<size_t>(workers.rank())] = result_of(run, std::move(lines));
  });
  for (const Result& result : results) expect_same(result, results.front());
  return results.front();
}

class LisaWorldSizes : public testing::TestWithParam<LisaCase> {};

TEST_P(LisaWorldSizes, GiveTheSameBytes) {
  const Result alone = train_with(1, GetParam(), false);
  EXPECT_EQ(alone.lines.size(), 12U);
  for (const int world_size : {2, 4}) {
    for (const bool reads_late : {false, true}) {
      SCOPED_TRACE(testing::Message() << world_size << (reads_late ? " workers, late" : " workers"));
      expect_same(train_with(world_size, GetParam(), reads_late), alone);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Runs, LisaWorldSizes,
                         testing::Values(LisaCase{}, LisaCase{.states = LisaStates::kDrop},
                                         LisaCase{.scheme = "mix+gpas",
                                                  .states = LisaStates::kDrop,
                                                  .sampling = config::LisaSampling::kWeighted,
                                                  .precision = Precision::kMixed,
                                                  .fine_tunes = false},
                                         LisaCase{.states = LisaStates::kDrop,
                                                  .precision = Precision::kBf16,
                                                  .rounding = config::Rounding::kStochastic},
                                         LisaCase{.kind = config::OptimizerKind::kMuon},
                                         LisaCase{.states = LisaStates::kDrop, .kind = config::OptimizerKind::kMuon}),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace strata::train
