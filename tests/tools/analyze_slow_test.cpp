// `strata analyze`: what it writes, where, and what strata report makes of it.
#include "strata/io/json.h"
#include "strata/io/safetensors.h"
#include "support/data_fixtures.h"
#include "support/program.h"
#include "support/small_run.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class Analyze : public testing::Test {
 protected:
  Analyze() { EXPECT_EQ(run_.pretrain("run").exit_code, 0); }

  std::string folder(const std::string& name) const { return (run_ / name).string(); }

  Finished analyze(const std::string& model, const Words& more = {}) const {
    Words words{"analyze", folder(model), "--text", folder("valid.jsonl")};
    words.insert(words.end(), more.begin(), more.end());
    return run_strata(words);
  }

  void refuse(const Words& more, const std::string& fragment) const {
    const Finished finished = analyze("run", more);
    EXPECT_EQ(finished.exit_code, kWrongUsage);
    EXPECT_THAT(finished.err, AllOf(testing::StartsWith("error: "), HasSubstr(fragment)));
    EXPECT_EQ(finished.err.find('\n') + 1, finished.err.size()) << finished.err;
  }

  const SmallRun run_;
};

// Of the newest checkpoint, then of the best one in its place.
TEST_F(Analyze, WritesIntoTheRun) {
  const Finished finished = analyze("run", {"--tokens", "200"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, AllOf(HasSubstr("  200 tokens of "), HasSubstr("rows of up to 32\n"),
                                  HasSubstr("  layer   distance   variance   gradient"),
                                  HasSubstr("'s angular distance, 0."), HasSubstr(folder("run/analysis.json"))));
  const json found = io::read_json(run_ / "run/analysis.json");
  EXPECT_EQ(found["folder"], folder("run/checkpoints/step_00000009"));
  EXPECT_EQ(found["tokens"], 200);
  EXPECT_EQ(found["max_length"], 32);
  ASSERT_EQ(found["angular_distance"].size(), 3U);
  for (size_t place = 0; place < 3; ++place) {
    EXPECT_EQ(found["angular_distance"][place][place], 0.0);
    EXPECT_EQ(found["angular_distance"][place][0], found["angular_distance"][0][place]);
  }
  for (const char* field : {"activation_variance", "gradient_norm", "gate", "gate_factor"}) {
    EXPECT_EQ(found[field].size(), 2U) << field;
  }
  EXPECT_EQ(found["model"]["scheme"], "sandwich+gpas");
  ASSERT_EQ(analyze("run@4").exit_code, 0);
  EXPECT_EQ(io::read_json(run_ / "run/analysis.json")["folder"], folder("run/checkpoints/step_00000004"));
}

// On rows that strata trace is given too.
TEST_F(Analyze, AgreesWithTrace) {
  const auto tokenizer = data::test::small_tokenizer();
  const std::string text = data::test::made_up_text(3, 20);
  write_file(run_ / "one.jsonl", json{{"text", text}}.dump());
  const std::string output = folder("one.json");
  ASSERT_EQ(
      run_strata({"analyze", folder("run"), "--text", folder("one.jsonl"), "--max-length", "500", "--output", output})
          .exit_code,
      0);
  EXPECT_FALSE(fs::exists(run_ / "run/analysis.json"));
  write_file(run_ / "ids.json", json::array({tokenizer->encode_document(text)}).dump());
  ASSERT_EQ(
      run_strata({"trace", folder("run"), "--ids", folder("ids.json"), "--gradients", "--out", folder("t")}).exit_code,
      0);
  const auto traced = io::SafetensorsFile::open(run_ / "t");
  const json found = io::read_json(output);
  EXPECT_NEAR(found["loss"].get<double>(), traced.tensor("loss").item<float>(), 1e-5);
  for (size_t layer = 0; layer < 2; ++layer) {
    const std::string number = std::to_string(layer);
    const double variance = traced.tensor("hidden." + number).to(at::kDouble).var(false).item<double>();
    EXPECT_NEAR(found["activation_variance"][layer].get<double>() / variance, 1.0, 1e-5);
    double square = 0.0;
    for (const std::string& name : traced.names()) {
      if (!name.starts_with("grad.model.layers." + number + ".")) continue;
      square += traced.tensor(name).to(at::kDouble).square().sum().item<double>();
    }
    EXPECT_NEAR(found["gradient_norm"][layer].get<double>() / std::sqrt(square), 1.0, 1e-4);
  }
}

TEST_F(Analyze, IsInTheReport) {
  ASSERT_EQ(analyze("run").exit_code, 0);
  const json scores{{"piqa", {{"acc", 0.5}}}};
  write_file(
      run_ / "run/results.json",
      json{{"tasks", scores}, {"without_layer", {{"0", {{"tasks", scores}}}, {"1", {{"tasks", scores}}}}}}.dump());
  const Finished report = run_strata({"report", folder("run"), "--output", folder("r.html"), "--svg", folder("svg")});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  EXPECT_THAT(read_file(run_ / "r.html"), HasSubstr("Layers against each other"));
  EXPECT_TRUE(fs::exists(run_ / "svg/angular_distance.svg"));
  EXPECT_TRUE(fs::exists(run_ / "svg/accuracy_without_a_layer.svg"));
}

TEST_F(Analyze, RefusesWhatIsWrong) {
  refuse({"--tokens", "0"}, "--tokens");
  refuse({"--max-length", "1"}, "--max-length");
  refuse({"--text", folder("none.txt")}, "--text: no file matches");
  refuse({"--output", folder("run")}, "--output: ");
  refuse({"--output", folder("none/a.json")}, "there is no folder");
  refuse({"--output", folder("run/run.json")}, "holds something else than what strata analyze writes");
  EXPECT_EQ(run_strata({"analyze", folder("nothing"), "--text", folder("valid.jsonl")}).exit_code, kWrongUsage);
  EXPECT_EQ(run_strata({"analyze", folder("run")}).exit_code, kWrongUsage);
  EXPECT_FALSE(fs::exists(run_ / "run/analysis.json"));
}

}  // namespace
}  // namespace strata::test
