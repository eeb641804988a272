// `strata sft` as users run it: on made-up records, from the command line.
#include <cstring>
#include <set>

#include "strata/base/check.h"
#include "strata/io/safetensors.h"
#include "support/compress.h"
#include "support/sft_run.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

const std::string kKeep = "lisa={layers: 2, interval: 4}";
const std::string kDrop = "lisa={layers: 2, interval: 4, states: drop}";

// Names of the tensors whose bytes are not the same in both files.
std::set<std::string> changed_between(const fs::path& before, const fs::path& after) {
  const auto a = io::SafetensorsFile::open(before / "model.safetensors");
  const auto b = io::SafetensorsFile::open(after / "model.safetensors");
  std::set<std::string> changed;
  EXPECT_EQ(a.names(), b.names());
  for (const std::string& name : a.names()) {
    const at::Tensor left = a.tensor(name), right = b.tensor(name);
    EXPECT_EQ(left.nbytes(), right.nbytes());
    if (std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) != 0) changed.insert(name);
  }
  return changed;
}

bool is_gate(const std::string& name) { return name.find("gpas_block.gate") != std::string::npos; }

std::string layer_prefix(const json& layer) { return str("model.layers.", layer.get<int64_t>(), "."); }

bool is_of(const std::string& name, const json& layers) {
  return std::ranges::any_of(layers, [&](const json& layer) { return name.starts_with(layer_prefix(layer)); });
}

class Sft : public testing::Test {
 protected:
  Finished succeed(const std::string& run, const Words& overrides) const {
    Finished finished = run_.sft(run, overrides);
    EXPECT_EQ(finished.exit_code, 0) << testing::PrintToString(overrides) << finished.err;
    return finished;
  }

  // What a run says of its samples, in numbers: "12 samples of 34 tokens, ..."
  std::string said_of_samples(const Words& overrides) const {
    Words words = overrides;
    words.emplace_back("train.stop_after=1");
    words.emplace_back("train.resume=none");
    const std::string out = succeed("said", words).out;
    const size_t middle = out.find(" samples of ");
    EXPECT_NE(middle, out.npos) << out;
    const size_t begin = out.rfind('\n', middle) + 1;
    return out.substr(begin, out.find('\n', middle) - begin);
  }

  const SftRun run_;
};

TEST_F(Sft, WritesWhatAPretrainingRunWrites) {
  const Finished finished = succeed("full", {});
  EXPECT_THAT(finished.out,
              AllOf(HasSubstr("strata 0.1.0 · sft · pre+gpas"), HasSubstr("gates frozen"),
                    ContainsRegex("  48 samples of [0-9,]+ tokens, [0-9.]+ % scored, in 48 blocks; 12 held "
                                  "out, 0 cut, 0 left out; 2 epochs of 6 steps"),
                    HasSubstr("step 12/12"), HasSubstr("done: step 12, ")));
  EXPECT_THAT(finished.out, ContainsRegex("step 0 +validation loss .* of 12 answers right"));
  const std::vector<json> metrics = run_.lines("full", "metrics.jsonl");
  ASSERT_EQ(metrics.size(), 12U);
  EXPECT_LT(metrics.back().at("loss"), metrics.front().at("loss"));
  std::vector<int64_t> evaluated;
  for (const json& line : run_.lines("full", "eval.jsonl")) {
    evaluated.push_back(line.at("step"));
    EXPECT_EQ(line.at("answers"), 12);
    for (const char* key : {"loss", "accuracy", "majority_accuracy", "majority_of_options_accuracy"}) {
      EXPECT_TRUE(line.at(key).is_number()) << key;
    }
  }
  EXPECT_THAT(evaluated, ElementsAre(0, 6, 12));
  EXPECT_THAT(read_file(run_ / "full/config.yaml"), AllOf(HasSubstr("steps: 12"), HasSubstr("scheme: pre+gpas")));
  const Finished again = run_strata({"sft", run_ / "full/config.yaml", "run.dir=" + (run_ / "again").string()});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(run_.weights("again", 12), run_.weights("full", 12));
}

// 41 samples: the last step of an epoch has one row.
TEST_F(Sft, EpochsEndExactly) {
  for (const Words& packing : std::vector<Words>{{}, {"sft.pack=samples"}, {"data.shuffle=false"}}) {
    Words overrides{"sft.limit=41", "sft.answers=0"};
    overrides.insert(overrides.end(), packing.begin(), packing.end());
    overrides.emplace_back("train.resume=none");
    succeed("short", overrides);
    const std::vector<json> metrics = run_.lines("short", "metrics.jsonl");
    ASSERT_EQ(metrics.size() % 2, 0U);
    const size_t half = metrics.size() / 2;
    int64_t targets[2] = {};
    for (size_t i = 0; i < metrics.size(); ++i) {
      targets[i / half] += metrics[i].at("targets").get<int64_t>();
      EXPECT_EQ(metrics[i].at("epoch"), (i + 1) / half) << "where the next step begins";
    }
    EXPECT_EQ(targets[0], targets[1]);
    EXPECT_GT(targets[0], 41 * 3);
    if (packing.empty()) {
      EXPECT_LT(metrics[half - 1].at("targets"), metrics[0].at("targets").get<int64_t>() / 3);
    }
  }
}

TEST_F(Sft, GatesStayToTheByteUnlessAskedFor) {
  for (const std::string& lisa : {std::string("lisa=none"), kKeep, kDrop}) {
    succeed("run", {lisa, "train.resume=none"});
    const auto changed = changed_between(run_.start(), run_.checkpoint("run", 12));
    EXPECT_GT(changed.size(), 20U) << lisa;
    EXPECT_TRUE(std::ranges::none_of(changed, is_gate)) << lisa;
    succeed("gates", {lisa, "sft.train_gates=true", "train.resume=none"});
    EXPECT_TRUE(std::ranges::any_of(changed_between(run_.start(), run_.checkpoint("gates", 12)), is_gate)) << lisa;
  }
}

TEST_F(Sft, OnlyDrawnLayersAndWhatIsInNoneChange) {
  const Finished finished = succeed("lisa", {kKeep, "checkpoint={every: 2, keep: 0}", "sft.train_gates=true"});
  EXPECT_THAT(finished.out, HasSubstr("LISA: 2 of 4 layers train, drawn every 4 steps, uniform; states: keep"));
  const std::vector<json> layers = run_.lines("lisa", "layers.jsonl");
  ASSERT_EQ(layers.size(), 12U);
  std::set<std::string> draws;
  for (int64_t step = 2; step < 12; step += 2) {
    const json trained = layers[static_cast<size_t>(step)].at("trained_layers");
    ASSERT_EQ(trained.size(), 2U);
    const std::string list = str(trained[0].get<int64_t>(), ", ", trained[1].get<int64_t>());
    draws.insert(list);
    if (step % 4 == 0) {
      EXPECT_THAT(finished.err, HasSubstr(str("step ", step + 1, "  layers that train: ", list)));
    }
    const auto changed = changed_between(run_.checkpoint("lisa", step), run_.checkpoint("lisa", step + 2));
    for (const std::string& name : changed) EXPECT_TRUE(!name.starts_with("model.layers.") || is_of(name, trained));
    EXPECT_TRUE(changed.contains("model.norm.weight") && changed.contains("lm_head.weight"));
    for (const json& layer : trained) EXPECT_TRUE(changed.contains(layer_prefix(layer) + "mlp.down_proj.weight"));
  }
  EXPECT_GT(draws.size(), 1U) << "another seed: all draws are the same";
}

TEST_F(Sft, LearnsToAnswer) {
  for (const std::string& lisa : {std::string("lisa=none"), kDrop}) {
    succeed("run", {lisa, "sft.epochs=20", "evaluate.every=1000", "train.micro_batch=8", "optimizer.lr=1e-2",
                    "train.resume=none", "telemetry.every=0"});
    const std::vector<json> evaluations = run_.lines("run", "eval.jsonl");
    ASSERT_EQ(evaluations.size(), 21U);
    const json& last = evaluations.back();
    EXPECT_LT(last.at("loss"), 0.5 * evaluations.front().at("loss").get<double>());
    EXPECT_GT(last.at("accuracy"), 0.9) << lisa;
    EXPECT_LT(last.at("majority_accuracy"), 0.8);
    EXPECT_LT(last.at("majority_of_options_accuracy"), 0.8);
  }
}

TEST_F(Sft, PacksAsItIsTold) {
  const std::string none = said_of_samples({});
  EXPECT_THAT(none, HasSubstr(" in 48 blocks"));
  const std::string samples = said_of_samples({"sft.pack=samples"});
  EXPECT_THAT(samples, ContainsRegex(" in (1[0-9]|2[0-9]) blocks"));
  EXPECT_EQ(samples.substr(0, samples.find(", in ")), none.substr(0, none.find(", in ")));
  EXPECT_THAT(said_of_samples({"sft.pack=stream"}), ContainsRegex(" in (1[0-9]|2[0-9]) blocks"));
  EXPECT_THAT(said_of_samples({"sft.loss=all"}), ContainsRegex(" (9[0-9.]+) % scored"));
  EXPECT_THAT(said_of_samples({"data.sequence_length=20"}), ContainsRegex("; [1-9] held out, [1-9][0-9]* cut, [1-9]"));
  EXPECT_THAT(said_of_samples({"sft.template=alpaca", "data.sequence_length=256"}), HasSubstr(" in 48 blocks"));
  EXPECT_THAT(said_of_samples({"sft.template='{instruction} => {output}!'"}), Not(Eq(none)));
  EXPECT_THAT(said_of_samples({"sft.limit=10", "sft.holdout=0"}), HasSubstr("10 samples of "));
}

TEST_F(Sft, TheSameRecordsInAnyFilesAreTheSameRun) {
  succeed("one", {});
  const std::string lines = SftRun::lines_of(20, 40);
  write_file(run_ / "p1.json", SftRun::array_of(0, 20));
  write_file(run_ / "p2.jsonl.gz", gzip(lines));
  std::string messages;
  for (int number = 40; number < SftRun::kRecords; ++number) {
    const json record = SftRun::record(number);
    const json user{{"role", "user"}, {"content", record["instruction"]}};
    const json reply{{"role", "assistant"}, {"content", record["output"]}};
    messages += json{{"messages", {user, reply}}, {"answer", record["answer"]}}.dump() + "\n";
  }
  write_file(run_ / "p3.jsonl", messages);
  succeed("three", {"sft.data=[" + (run_ / "p*.json*").string() + "]"});
  EXPECT_EQ(run_.weights("three", 12), run_.weights("one", 12));
  EXPECT_EQ(run_.lines("three", "eval.jsonl"), run_.lines("one", "eval.jsonl"));
}

TEST_F(Sft, EvaluatesWhatThereIs) {
  succeed("none", {"sft.holdout=0", "sft.epochs=1"});
  EXPECT_TRUE(run_.lines("none", "eval.jsonl").empty());
  succeed("loss", {"sft.answers=0", "sft.epochs=1"});
  json records = json::parse(SftRun::array_of(0, SftRun::kRecords));
  for (json& record : records) record.erase("answer");
  write_file(run_ / "plain.json", records.dump());
  succeed("plain", {"sft.data=[" + (run_ / "plain.json").string() + "]", "sft.epochs=1"});
  EXPECT_EQ(run_.lines("plain", "eval.jsonl"), run_.lines("loss", "eval.jsonl"));
  ASSERT_EQ(run_.lines("loss", "eval.jsonl").size(), 2U);
  EXPECT_FALSE(run_.lines("loss", "eval.jsonl").back().contains("accuracy"));
  succeed("five", {"sft.answers=5", "sft.epochs=1", "evaluate.every=4"});
  const std::vector<json> five = run_.lines("five", "eval.jsonl");
  ASSERT_EQ(five.size(), 3U) << "at 0, 4 and 6";
  EXPECT_EQ(five[1].at("answers"), 5);
}

// In the folder of a run that began with another model.
TEST_F(Sft, BegunAnewIsEvaluatedAnew) {
  succeed("fresh", {"sft.epochs=1"});
  const std::string result = "sft.model=" + run_.checkpoint("fresh", 6).string();
  succeed("other", {result, "sft.epochs=1"});
  succeed("other", {"sft.epochs=1", "train.resume=none"});
  EXPECT_EQ(run_.lines("other", "eval.jsonl"), run_.lines("fresh", "eval.jsonl"));
}

// The result is a model like any other: it can be talked to, and fine-tuned again.
TEST_F(Sft, GoesOnFromItsOwnResultAndFromHuggingFaces) {
  succeed("first", {});
  const std::string result = run_.checkpoint("first", 12);
  const Finished text = run_strata({"generate", result, "--prompt", "up red/blue", "--tokens", "4"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("up red/blue"));
  const Finished second = succeed("second", {"sft.model=" + result, "data.tokenizer=''", kDrop});
  EXPECT_THAT(second.out, HasSubstr("from " + result));
  EXPECT_LT(run_.lines("second", "metrics.jsonl").back().at("loss"),
            run_.lines("first", "metrics.jsonl").back().at("loss"));

  fs::create_directory(run_ / "hf");
  write_file(run_ / "hf/config.json", json{{"model_type", "llama"},
                                           {"vocab_size", 180},
                                           {"hidden_size", 32},
                                           {"intermediate_size", 48},
                                           {"num_hidden_layers", 4},
                                           {"num_attention_heads", 2}}
                                          .dump());
  const auto start = io::SafetensorsFile::open(run_.start() / "model.safetensors");
  io::NamedTensors tensors;
  for (const std::string& name : start.names()) {
    if (!is_gate(name)) tensors.emplace_back(name, start.tensor(name));
  }
  io::write_safetensors(run_ / "hf/model.safetensors", tensors);
  const Finished stock = succeed("stock", {"sft.model=" + (run_ / "hf").string(), kKeep});
  EXPECT_THAT(stock.out, HasSubstr("sft · pre ·"));
}

}  // namespace
}  // namespace strata::test
