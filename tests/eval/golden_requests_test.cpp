// What lm-evaluation-harness asked a model, to the token: every golden file of data/golden/lmeval.
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "strata/data/tokenizer.h"
#include "strata/eval/few_shot.h"
#include "strata/eval/request.h"
#include "strata/io/lines.h"
#include "support/compress.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

namespace strata::eval {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> lines;
  io::LineReader reader(path);
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

std::vector<json> json_of(const fs::path& path) {
  std::vector<json> values;
  for (const std::string& line : lines_of(path)) values.push_back(json::parse(line));
  return values;
}

fs::path golden_folder() { return strata::test::test_data() / "golden/lmeval"; }

// A golden file: "boolq.5shot.eos.jsonl.gz".
struct GoldenFile {
  std::string name, task;
  int64_t shots = 0;
  bool append_eos = false;

  explicit GoldenFile(const std::string& file) : name(file), task(file.substr(0, file.find('.'))) {
    shots = file[task.size() + 1] - '0';
    append_eos = file.find(".eos.") != file.npos;
  }

  std::vector<json> lines() const { return json_of(golden_folder() / name); }
  // The lines that have the texts.
  std::vector<json> plain_lines() const {
    return json_of(golden_folder() / (task + "." + std::to_string(shots) + "shot.jsonl.gz"));
  }
};

std::vector<GoldenFile> golden_files() {
  std::vector<GoldenFile> files;
  for (const auto& entry : fs::directory_iterator(golden_folder())) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".jsonl.gz")) files.emplace_back(name);
  }
  return files;
}

// PIQA whose examples are drawn from the end of its file.
void write_sampled_piqa(const fs::path& folder) {
  std::string all, pool;
  const auto lines = lines_of(strata::test::test_data() / "eval/piqa.jsonl.gz");
  for (size_t i = 0; i < lines.size(); ++i) {
    all += lines[i] + "\n";
    if (i >= 1000) pool += lines[i] + "\n";
  }
  strata::test::write_file(folder / "piqa.jsonl", all);
  strata::test::write_file(folder / "piqa.fewshot.jsonl.gz", strata::test::gzip(pool));
}

ItemSet load(const std::string& task) {
  if (task != "piqa_sampled") return load_tasks({task}, strata::test::test_data() / "eval")[0].sets[0];
  const strata::test::TempFolder folder;
  write_sampled_piqa(folder.path());
  return load_tasks({"piqa"}, folder.path())[0].sets[0];
}

// A golden value: WinoGrande's is a list, one for each choice.
json at_choice(const json& value, size_t choice) { return value.is_array() ? value[choice] : value; }

uint32_t crc_of(const std::vector<int32_t>& ids) {
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(ids.data()), static_cast<uInt>(ids.size() * sizeof(int32_t))));
}

void expect_equal(const ItemSet& set, const AskedItem& asked, const json& golden, const json& plain) {
  const auto doc = golden["doc"].get<size_t>();
  const Item& item = set.items[doc];
  EXPECT_EQ(json(asked.examples), golden["shots"]);
  EXPECT_EQ(asked.gold, golden["gold"]);
  EXPECT_EQ(json(asked.choice_characters), golden["choice_len"]);
  EXPECT_EQ(golden["ctx_sha256"], plain["ctx_sha256"]);
  ASSERT_EQ(asked.choices.size(), golden["cont_ids"].size());
  for (size_t i = 0; i < asked.choices.size(); ++i) {
    const Request& request = asked.choices[i];
    EXPECT_EQ(context_text(set, item, asked.examples, i), at_choice(plain["ctx"], i));
    EXPECT_EQ(" " + item.choices[i], plain["conts"][i]);
    EXPECT_EQ(request.context.size(), at_choice(golden["ctx_len"], i));
    EXPECT_EQ(crc_of(request.context), at_choice(golden["ctx_crc32"], i));
    EXPECT_EQ(json(request.continuation), golden["cont_ids"][i]);
  }
}

data::Tokenizer t5() { return data::Tokenizer(strata::test::test_data() / "t5/spiece.model"); }

TEST(GoldenRequests, AreThoseOfLmEvaluationHarness) {
  STRATA_NEEDS_TEST_DATA();
  const data::Tokenizer tokenizer = t5();
  int compared = 0;
  for (const GoldenFile& file : golden_files()) {
    SCOPED_TRACE(file.name);
    const ItemSet set = load(file.task);
    const std::vector<json> golden = file.lines(), plain = file.plain_lines();
    const RequestOptions options{.shots = file.shots, .append_eos = file.append_eos, .limit = std::ssize(golden)};
    for (const auto& make : {make_requests, make_requests_jointly}) {
      const auto asked = make(set, tokenizer, options);
      ASSERT_EQ(asked.size(), golden.size());
      for (size_t i = 0; i < golden.size(); ++i) {
        SCOPED_TRACE(i);
        ASSERT_EQ(golden[i]["doc"], i);
        expect_equal(set, asked[i], golden[i], plain[i]);
        ++compared;
      }
    }
  }
  EXPECT_EQ(compared, 2 * 40 * 47);
}

TEST(GoldenRequests, SayWhichTasksHaveAccNorm) {
  STRATA_NEEDS_TEST_DATA();
  const json summary = json::parse(strata::test::read_file(golden_folder() / "summary.json"));
  for (const GoldenFile& file : golden_files()) {
    const json& scores = summary[file.name.substr(0, file.name.find(".jsonl"))];
    const std::string task = file.task.substr(0, file.task.starts_with("mmlu") ? 4 : file.task.find("_sampled"));
    EXPECT_EQ(make_task(task)->has_acc_norm(), !scores["acc_norm"].is_null()) << file.name;
  }
}

}  // namespace
}  // namespace strata::eval
