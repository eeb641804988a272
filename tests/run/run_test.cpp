// Runs as another program makes them: several in one process, with hooks of its own.
#include "strata/run/run.h"

#include <gmock/gmock.h>

#include <set>
#include <sstream>

#include "strata/base/text.h"
#include "strata/config/load.h"
#include "strata/hub/model_folder.h"
#include "strata/run/analyze.h"
#include "strata/run/settle.h"
#include "strata/run/written_files.h"
#include "support/errors.h"
#include "support/places.h"
#include "support/sft_run.h"
#include "support/small_run.h"
#include "support/temp_folder.h"

namespace strata::run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

config::RunConfig config_of(const test::SmallRun& small, const std::string& run) {
  return load_config(small.config(), {"run.dir=" + (small / run).string(), "run.threads=2"});
}

std::vector<double> losses_in(const test::SmallRun& small, const std::string& run) {
  std::vector<double> losses;
  for (const nlohmann::json& line : small.lines(run, "metrics.jsonl")) losses.push_back(line.at("loss"));
  return losses;
}

class Steps final : public train::Hook {
 public:
  explicit Steps(std::vector<int64_t>& steps) : steps_(steps) {}
  void after_step(const train::StepReport& report, const train::Progress&) override { steps_.push_back(report.step); }

 private:
  std::vector<int64_t>& steps_;
};

TEST(Run, TellsHowItEnded) {
  const test::SmallRun small;
  const RunResult result = pretrain(config_of(small, "r"));
  EXPECT_EQ(result.progress.step, 9);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.losses, losses_in(small, "r"));
  EXPECT_EQ(result.validation_loss, small.lines("r", "eval.jsonl").back().at("loss").get<double>());
}

// Fields of the files that runs wrote, by the name that their table gives them.
class FoundFields {
 public:
  // Of each line where there are lines.
  void add(const train::WrittenFile& file, const std::filesystem::path& path) {
    const std::string text = test::read_file(path);
    if (path.extension() != ".jsonl") return add_object(file, nlohmann::json::parse(text));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) add_object(file, nlohmann::json::parse(line));
  }

  void expect_all_of(const train::WrittenFile& file) const {
    for (const train::WrittenField& field : file.fields) {
      EXPECT_TRUE(names_.contains({file.name, field.name})) << file.name << " has no " << field.name;
    }
  }

 private:
  void add_object(const train::WrittenFile& file, const nlohmann::json& object) {
    for_each_value(file, object, [&](const auto& path, const train::WrittenField* field, const nlohmann::json&) {
      EXPECT_NE(field, nullptr) << file.name << ": " << join(path, ".") << " is in no table";
      if (field != nullptr) names_.insert({file.name, field->name});
    });
  }

  std::set<std::pair<std::string, std::string>> names_;
};

// Of a pretraining run and a fine-tuning run with all that a config can ask for: every field has its line in
// docs/metrics.md, and every line its field.
TEST(Run, WritesTheFieldsThatAreDocumented) {
  const test::SmallRun small;
  const nlohmann::json question{{"goal", "a"}, {"sol1", "b"}, {"sol2", "c"}, {"label", 0}};
  test::write_file(small / "piqa.jsonl", question.dump() + "\n" + question.dump() + "\n");
  const nlohmann::json choice{{"id", 0}, {"query", "Question: a\nAnswer:"}, {"choices", {"b", "c"}}, {"gold", 0}};
  test::write_file(small / "arc_easy.jsonl", choice.dump() + "\n");
  pretrain(
      load_config(small.config(), {"run.dir=" + (small / "r").string(), "train.spike.action=warn",
                                   "data.train=[{files: " + (small / "a.jsonl").string() +
                                       ", weight: 2}, {files: " + (small / "b.json.gz").string() + "}]",
                                   "evaluate.tasks={names: [piqa, arc_easy], data: " + (small / "").string() + "}"}));
  const test::SftRun sft;
  fine_tune(load_config(sft.config(), {"run.dir=" + (sft / "r").string(), "lisa.layers=1", "sft.train_gates=true"}));
  analyze_folder({.folder = (small / "r").string()}, {.text = {(small / "valid.jsonl").string()}});
  FoundFields found;
  for (const train::WrittenFile& file : written_files()) {
    for (const auto& run : {small / "r", sft / "r"}) {
      const auto checkpoint = run / "checkpoints" / (run == small / "r" ? "step_00000009" : "step_00000012");
      for (const auto& path : {run / file.name, checkpoint / file.name}) {
        if (std::filesystem::exists(path)) found.add(file, path);
      }
    }
    found.expect_all_of(file);
  }
}

TEST(Run, FollowsAnotherInOneProcess) {
  const test::SmallRun small;
  const RunResult first = pretrain(config_of(small, "first"));
  const std::string log = test::read_file(small / "first" / "log.txt");
  const RunResult second = pretrain(config_of(small, "second"));
  EXPECT_EQ(first.losses, second.losses);
  EXPECT_EQ(test::read_file(small / "first" / "log.txt"), log);
  EXPECT_THAT(test::read_file(small / "second" / "log.txt"), HasSubstr("checkpoint of step 9"));
}

TEST(Run, SaysNothingWhereItIsAskedNotTo) {
  const test::SmallRun small;
  testing::internal::CaptureStdout();
  pretrain(config_of(small, "r"), {.says = false});
  EXPECT_THAT(testing::internal::GetCapturedStdout(), IsEmpty());
  EXPECT_THAT(losses_in(small, "r"), Not(IsEmpty()));
}

TEST(Run, CallsHooksOfTheProgram) {
  const test::SmallRun small;
  std::vector<int64_t> steps;
  pretrain(config_of(small, "r"), {.hooks = {[&](train::Training&) { return std::make_unique<Steps>(steps); }}});
  EXPECT_THAT(steps, testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Run, ThrowsForAConfigThatCannotBe) {
  const test::SmallRun small;
  config::RunConfig config = config_of(small, "r");
  config.norm.scheme = "sandwhich";
  EXPECT_THAT(test::error_of([&] { pretrain(config); }), HasSubstr("norm.scheme: unknown scheme \"sandwhich\""));
  config = config_of(small, "r");
  config.data.train = {};
  EXPECT_THAT(test::error_of([&] { pretrain(config); }), HasSubstr("data.train: names no files"));
}

// Whoever only wants the weights is told as well.
TEST(Run, ItsModelIsRefusedWhereTheWeightsAreNotWhatWasSaved) {
  const test::SmallRun small;
  pretrain(config_of(small, "r"));
  const std::filesystem::path weights = small.checkpoint("r", 9) / "model.safetensors";
  EXPECT_NO_THROW(hub::open_model_folder(small / "r"));
  std::string bytes = test::read_file(weights);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  test::write_file(weights, bytes);
  EXPECT_EQ(
      test::error_of([&] { hub::open_model_folder(small / "r"); }),
      weights.string() +
          ": has another checksum than when it was saved (without manifest.json beside it, it is taken as it is)");
  test::write_file(weights.parent_path() / "manifest.json", "{}");
  EXPECT_THAT(test::error_of([&] { hub::open_model_folder(small / "r"); }), HasSubstr("manifest.json: has no"));
  std::filesystem::remove(weights.parent_path() / "state.json");  // of another program then
  EXPECT_NO_THROW(hub::open_model_folder(weights.parent_path()));
}

config::RunConfig config_with(const std::vector<std::string>& overrides) {
  return config::load(test::source_folder() / "configs/pretrain/demo.yaml", overrides).config;
}

TEST(IdleKeys, AreNamedWithWhatTheyWouldNeed) {
  const auto idle = [](const std::vector<std::string>& overrides) { return idle_keys(config_with(overrides)); };
  EXPECT_THAT(idle({"norm.scheme=pre", "norm.gpas.start=0.5"}),
              ElementsAre("norm.gpas.start=0.5 has no effect without +gpas in norm.scheme"));
  EXPECT_THAT(idle({"norm.scheme=pre+gpas", "norm.gpas.start=0.5"}), IsEmpty());
  EXPECT_THAT(idle({"norm.prores.warmup_steps=10"}), ElementsAre(HasSubstr("without +prores in norm.scheme")));
  EXPECT_THAT(idle({"norm.scheme=pre+prores", "norm.prores.warmup_steps=10"}), IsEmpty());
  EXPECT_THAT(idle({"optimizer.kind=lion", "optimizer.eps=1e-6"}),
              ElementsAre("optimizer.eps=1e-06 has no effect without an optimizer.kind other than lion"));
  EXPECT_THAT(idle({"optimizer.kind=lion", "optimizer.groups.eps={embedding: 1e-6}"}), ElementsAre(HasSubstr("lion")));
  EXPECT_THAT(idle({"checkpoint.keep_best=2"}), ElementsAre(HasSubstr("without checkpoint.keep")));
  EXPECT_THAT(idle({"sft.model=runs/m", "norm.gpas.start=0.5"}), IsEmpty());  // the model's
  EXPECT_THAT(idle({"optimizer.muon.momentum=0.5", "optimizer.ademamix.alpha=2"}),
              ElementsAre(HasSubstr("without optimizer.kind=muon"), HasSubstr("without optimizer.kind=ademamix")));
  EXPECT_THAT(idle({"optimizer.kind=muon", "optimizer.muon.momentum=0.5"}), IsEmpty());
  EXPECT_THAT(idle({"schedule.decay_steps=5"}), ElementsAre(HasSubstr("without schedule.kind=wsd")));
  EXPECT_THAT(idle({"schedule.kind=constant", "schedule.min_ratio=0.5"}), ElementsAre(HasSubstr("schedule.min_ratio")));
  EXPECT_THAT(idle({"schedule.kind=wsd", "schedule.decay_steps=5", "schedule.min_ratio=0.5"}), IsEmpty());
  EXPECT_THAT(idle({"lisa.interval=5", "lisa.seed=1"}),
              ElementsAre(HasSubstr("without lisa.layers"), HasSubstr("without lisa.layers")));
  EXPECT_THAT(idle({"lisa.layers=2", "lisa.interval=5"}), IsEmpty());
  EXPECT_THAT(idle({"sft.epochs=2"}), ElementsAre("sft.epochs=2 has no effect without sft.model"));
}

TEST(IdleKeys, AreInNoConfigOfThisRepository) {
  int configs = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::source_folder() / "configs")) {
    if (!entry.is_regular_file() || entry.path().parent_path().filename() == "sweep") continue;
    try {
      EXPECT_THAT(idle_keys(config::load(entry.path()).config), IsEmpty()) << entry.path();
      ++configs;
    } catch (const UsageError&) {
      continue;  // what others stand on, and no config by itself
    }
  }
  EXPECT_GT(configs, 20);
}

}  // namespace
}  // namespace strata::run
