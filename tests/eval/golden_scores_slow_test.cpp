// What lm-evaluation-harness found for a tiny model: every log-likelihood, prediction and accuracy of
// data/golden/lmeval.
#include <nlohmann/json.hpp>

#include "strata/eval/harness.h"
#include "strata/hub/model_folder.h"
#include "strata/io/json.h"
#include "strata/io/lines.h"
#include "strata/kernels/gemm.h"
#include "support/models.h"
#include "support/test_data.h"

namespace strata::eval {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kTolerance = 2e-4;  // of a sum over a continuation
constexpr int64_t kTokens = 4096;

fs::path golden() { return strata::test::test_data() / "golden/lmeval"; }

// boolq.5shot.eos.jsonl.gz: task, shots, and what else was special.
struct GoldenRun {
  std::string name, task;
  RequestOptions requests;
  ScoringOptions scoring;

  explicit GoldenRun(const std::string& file)
      : name(file.substr(0, file.find(".jsonl"))), task(file.substr(0, file.find('.'))) {
    requests = {.shots = file[task.size() + 1] - '0', .append_eos = file.find(".eos.") != file.npos, .limit = 40};
    scoring.max_length = file.find(".maxlen512.") != file.npos ? 512 : 2048;
  }

  std::vector<json> lines() const {
    std::vector<json> all;
    io::LineReader reader(golden() / (name + ".jsonl.gz"));
    for (std::string line; reader.next(line);) all.push_back(json::parse(line));
    return all;
  }
};

// All of them but the one whose examples come from a file of its own.
std::vector<GoldenRun> golden_runs() {
  std::vector<GoldenRun> runs;
  for (const auto& entry : fs::directory_iterator(golden())) {
    const std::string file = entry.path().filename();
    if (file.ends_with(".jsonl.gz") && !file.starts_with("piqa_sampled.")) runs.emplace_back(file);
  }
  return runs;
}

class GoldenScores : public testing::Test {
 protected:
  void SetUp() override {
    STRATA_NEEDS_TEST_DATA();
    tokenizer_.emplace(strata::test::test_data() / "t5/spiece.model");
    const hub::ModelFolder folder = hub::open_model_folder(golden() / "tiny_llama");
    made_.emplace(
        folder.spec,
        nn::ModelOptions{.limits = {.max_tokens = kTokens, .longest_row = 2048, .trees = true}, .gradients = false},
        "tiles");
    nn::load_parameters(made_->model.parameters(), folder.weights);
  }

  ScoredTask score(const GoldenRun& run) {
    const auto loaded = load_tasks({run.task}, strata::test::test_data() / "eval");
    ScoreFile none;
    return evaluate_tasks(made_->model, ask(loaded, *tokenizer_, run.requests), run.scoring, *workers::alone(),
                          none)[0];
  }

  std::optional<strata::test::TestModel> made_;
  std::optional<data::Tokenizer> tokenizer_;
};

void expect_accuracy(const Accuracy& accuracy, const json& summary, const std::string& name) {
  EXPECT_NEAR(accuracy.value, summary[name].get<double>(), 1e-12);
  EXPECT_NEAR(accuracy.standard_error.value(), summary[name + "_stderr"].get<double>(), 1e-12);
}

TEST_F(GoldenScores, AreThoseOfTheHarness) {
  const json summary = io::read_json(golden() / "summary.json");
  double largest = 0.0;
  int64_t choices = 0;
  for (const GoldenRun& run : golden_runs()) {
    SCOPED_TRACE(run.name);
    const ScoredTask scored = score(run);
    const auto lines = run.lines();
    ASSERT_EQ(scored.sets[0].items.size(), lines.size());
    for (size_t doc = 0; doc < lines.size(); ++doc) {
      const ScoredItem& item = scored.sets[0].items[doc];
      const LogLikelihoods expected = lines[doc]["lls"];
      ASSERT_EQ(item.log_likelihoods.size(), expected.size());
      for (size_t choice = 0; choice < expected.size(); ++choice, ++choices) {
        largest = std::max(largest, std::abs(item.log_likelihoods[choice] - expected[choice]));
      }
      EXPECT_EQ(item.prediction, lines[doc]["pred"].get<int64_t>());
      EXPECT_EQ(item.prediction_norm, lines[doc]["pred_norm"].get<int64_t>());
      EXPECT_EQ(item.gold, lines[doc]["gold"].get<int64_t>());
    }
    expect_accuracy(scored.acc, summary[run.name], "acc");
    EXPECT_EQ(scored.has_acc_norm, !summary[run.name]["acc_norm"].is_null());
    if (scored.has_acc_norm) expect_accuracy(scored.acc_norm, summary[run.name], "acc_norm");
  }
  EXPECT_GT(choices, 5000);
  EXPECT_LT(largest, kTolerance);
  std::cout << choices << " log-likelihoods, largest difference " << largest << "\n";
}

}  // namespace
}  // namespace strata::eval
