// What users get wrong in fine-tuning: one line that names the key and what is wrong with it, and nothing is left.
#include "strata/base/text.h"
#include "support/data_fixtures.h"
#include "support/sft_run.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Words = std::vector<std::string>;

class SftBadInput : public testing::Test {
 protected:
  void expect_refused(const Words& command, int exit_code, const Words& fragments) const {
    SCOPED_TRACE(join(command, " "));
    const Finished finished = run_program(command);
    EXPECT_EQ(finished.exit_code, exit_code);
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.err, StartsWith("error: "));
    EXPECT_EQ(finished.err.find('\n') + 1, finished.err.size()) << finished.err;
    for (const std::string& fragment : fragments) EXPECT_THAT(finished.err, HasSubstr(fragment));
    EXPECT_FALSE(fs::exists(run_ / "run"));
  }

  void refuse(const Words& overrides, int exit_code, const Words& fragments) const {
    expect_refused(run_.command("run", overrides), exit_code, fragments);
  }

  // A file of records, as the whole of sft.data.
  std::string data(const std::string& name, const std::string& content) const {
    write_file(run_ / name, content);
    return "sft.data=[" + (run_ / name).string() + "]";
  }

  const SftRun run_;
};

TEST_F(SftBadInput, InTheModel) {
  refuse({"sft.model=''"}, kWrongUsage, {"sft.model"});
  refuse({"sft.model=/nowhere"}, kWrongUsage, {"sft.model", "/nowhere: no such folder"});
  fs::create_directory(run_ / "empty");
  refuse({"sft.model=" + (run_ / "empty").string()}, kWrongUsage, {"sft.model", "empty: has no model.safetensors"});
  refuse({"model.hidden=64"}, kWrongUsage, {"model.hidden: 64 is not what ", "start has, 32; leave it out"});
  refuse({"norm.scheme=post+gpas"}, kWrongUsage, {"norm.scheme: post+gpas is not what ", " has, pre+gpas"});
  refuse({"data.tokenizer=''"}, kWrongUsage, {"data.tokenizer: names no sentencepiece model"});
  expect_refused({strata_command({"pretrain", run_.config(), "run.dir=" + (run_ / "run").string()})}, kWrongUsage,
                 {"sft.model=", "strata sft is what fine-tunes"});
  const Finished same = run_.sft("same", {"model.hidden=32", "norm.scheme=pre+gpas", "train.stop_after=1"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
}

TEST_F(SftBadInput, InDamagedWeights) {
  const fs::path weights = run_.start() / "model.safetensors";
  const std::string bytes = read_file(weights);
  write_file(weights, bytes.substr(0, bytes.size() - 1));
  refuse({}, kWrongUsage, {"sft.model", "start/model.safetensors: ", "truncated"});
}

TEST_F(SftBadInput, InTheTokenizer) {
  refuse({"data.tokenizer=" + data::test::small_model().string()}, kWrongUsage,
         {"model.vocab=180 is too small for the 200 ids of data.tokenizer="});
}

TEST_F(SftBadInput, InTheData) {
  refuse({"sft.data=[]"}, kWrongUsage, {"sft.data: names no files"});
  refuse({"sft.data=[/nowhere/*.json]"}, kWrongUsage, {"sft.data", "/nowhere/*.json"});
  refuse({data("a.jsonl", SftRun::lines_of(0, 2) + "{\"instruction\": 1}\n")}, kFailed, {"a.jsonl:3: "});
  refuse({data("b.json", R"([{"instruction": "x", "output": "y"}, {"instruction": "x"}])")}, kFailed,
         {"b.json: record 2: "});
  refuse({data("c.json", "[]")}, kWrongUsage, {"sft.data: the files hold no record"});
  refuse({data("d.csv", "x")}, kWrongUsage, {"sft.data", "d.csv"});
  refuse({"data.sequence_length=4"}, kWrongUsage, {"data.sequence_length=4 ends before the response in all"});
}

TEST_F(SftBadInput, InWhatDoesNotFit) {
  refuse({"sft.template='{instruction}'"}, kWrongUsage, {"sft.template"});
  refuse({"sft.template=alpaka"}, kWrongUsage, {"sft.template"});
  refuse({"sft.holdout=1"}, kWrongUsage, {"sft.holdout: must be between 0 and 0.9, got 1"});
  refuse({"sft.pack=tight"}, kWrongUsage, {"sft.pack", "samples, stream, none"});
  refuse({"lisa.layers=5"}, kWrongUsage, {"lisa.layers: 5 is more than the 4 of model.layers"});
  refuse({"lisa.layers=2", "parallel.zero=1"}, kWrongUsage, {"parallel.zero"});
  refuse({"lisa=some"}, kWrongUsage, {"lisa"});
  refuse({"train.loss_average=per_micro_batch"}, kWrongUsage, {"train.loss_average"});
  refuse({"train.cuda_graph=true", "data.rows=packed"}, kWrongUsage, {"train.cuda_graph"});
  refuse({"train.steps=13"}, kWrongUsage, {"train.steps=13: sft.epochs=2 of these samples are 12 steps; leave it out"});
  refuse({"train.steps=1000"}, kWrongUsage, {"train.steps=1000", "12 steps"});
  refuse({"schedule.warmup_steps=13"}, kWrongUsage, {"schedule.warmup_steps: 13 is more than ", " 12 steps"});
  const Finished fits = run_.sft("fits", {"train.steps=12", "train.stop_after=1"});
  EXPECT_EQ(fits.exit_code, 0) << fits.err;
}

// What is known before the run: the model's config, and how many steps the data make.
TEST_F(SftBadInput, IsSeenByInspectAndPlan) {
  const Finished inspected = run_strata({"inspect", run_.config(), "lisa.layers=2"});
  ASSERT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(inspected.out,
              AllOf(HasSubstr("scheme: pre+gpas"), HasSubstr("hidden: 32"), HasSubstr("2 epochs of sft.data decide")));
  const Finished planned = run_strata({"plan", run_.config(), "lisa.layers=2"});
  ASSERT_EQ(planned.exit_code, 0) << planned.err;
  EXPECT_THAT(planned.out, AllOf(HasSubstr("pre+gpas, 46,628 parameters"), ContainsRegex("run +12 steps")));
  expect_refused(strata_command({"plan", run_.config(), "sft.data=[/nowhere/*.json]"}), kWrongUsage,
                 {"sft.data", "/nowhere/*.json"});
}

}  // namespace
}  // namespace strata::test
