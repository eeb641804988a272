// The registry holds what src/eval/tasks/ holds, and every broken file is named in one line.
#include "strata/eval/task.h"

#include <set>

#include "strata/base/text.h"
#include "support/compress.h"
#include "support/errors.h"
#include "support/places.h"
#include "support/temp_folder.h"
#include "support/test_data.h"
#include "support/zip.h"

namespace strata::eval {
namespace {

using strata::test::error_of;
using strata::test::TempFolder;
using strata::test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Names = std::vector<std::string>;

Names file_names() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() / "src/eval/tasks")) {
    names.insert(entry.path().stem().string());
  }
  return {names.begin(), names.end()};
}

TEST(Tasks, AreOnePerFileCalledAsItsFile) {
  EXPECT_EQ(task_registry().names(), file_names());
  EXPECT_FALSE(file_names().empty());
}

class Empty final : public Task {
 public:
  std::vector<ItemSet> load(const std::filesystem::path&) const override { return {}; }
  bool has_acc_norm() const override { return false; }
};

TEST(Tasks, RegisterANameOnce) {
  TaskRegistry registry("task");
  registry.add("empty", &make_registered<Empty>);
  EXPECT_THAT([&] { registry.add("empty", &make_registered<Empty>); },
              testing::ThrowsMessage<std::logic_error>("task registered twice: empty"));
  EXPECT_EQ(make_task("empty"), nullptr);
}

// A good record of each task that is read from lines, and what each item of it must be.
struct Good {
  std::string task, record;
  Item item;
};

const std::vector<Good>& good_records() {
  static const std::vector<Good> records{
      {"arc_challenge",
       R"({"query": "Question: q?\nAnswer:", "choices": ["a", "b", "c"], "gold": 2})",
       {{"Question: q?\nAnswer:"}, {"a", "b", "c"}, 2}},
      {"arc_easy",
       R"({"query": "Question: q\nAnswer:", "choices": ["a", "b"], "gold": 0})",
       {{"Question: q\nAnswer:"}, {"a", "b"}, 0}},
      {"boolq",
       R"({"query": "p\nQuestion: q?\nAnswer:", "choices": ["yes", "no"], "gold": 0})",
       {{"p\nQuestion: q?\nAnswer:"}, {"no", "yes"}, 1}},
      {"hellaswag",
       R"({"query": "x: y", "choices": ["a ", " b", "c", "d"], "gold": 3})",
       {{"x: y"}, {"a ", " b", "c", "d"}, 3}},
      {"openbookqa",
       R"({"query": "Question: q \nAnswer:", "choices": ["a", "b"], "gold": 1})",
       {{"q "}, {"a", "b"}, 1}},
      {"piqa", R"({"goal": "g", "sol1": "a", "sol2": "b", "label": 1})", {{"Question: g\nAnswer:"}, {"a", "b"}, 1}},
      {"social_iqa",
       R"({"context": "c", "question": "q", "answerA": "a", "answerB": "b", "answerC": "d", "label": "3"})",
       {{"Q: c q\nA:"}, {"a", "b", "d"}, 2}},
      {"winogrande",
       R"({"sentence": "l _ r _. ", "option1": "a", "option2": "b", "answer": "2"})",
       {{"l a", "l b"}, {"r _.", "r _."}, 1}}};
  return records;
}

std::string path_of(const TempFolder& folder, const std::string& name) { return (folder / name).string(); }

TEST(TaskRecords, AreWordedAsUpstream) {
  Names tasks{"mmlu"};
  for (const Good& good : good_records()) {
    const TempFolder folder;
    write_file(folder / (good.task + ".jsonl"), good.record + "\n\n" + good.record);
    const std::vector<LoadedTask> loaded = load_tasks({good.task}, folder.path());
    EXPECT_EQ(loaded[0].name, good.task);
    ASSERT_EQ(loaded[0].sets.size(), 1U);
    EXPECT_EQ(loaded[0].sets[0].name, good.task);
    EXPECT_EQ(loaded[0].sets[0].items, (std::vector<Item>{good.item, good.item})) << good.task;
    EXPECT_EQ(loaded[0].sets[0].examples, Examples::kFirstOthers);
    tasks.push_back(good.task);
  }
  std::ranges::sort(tasks);
  EXPECT_EQ(tasks, file_names());
}

// The index of the '"' that ends the JSON string that begins at `begin`.
size_t end_of_string(const std::string& json, size_t begin) { return json.find('"', begin + 1); }

// Every field of every task: left out, of another type, and what is no JSON.
TEST(TaskRecords, BrokenOnesAreNamedInOneLine) {
  int broken = 0;
  for (const Good& good : good_records()) {
    const auto problem_of = [&](const std::string& record) {
      const TempFolder folder;
      write_file(folder / (good.task + ".jsonl"), good.record + "\n" + record + "\n");
      const std::string problem = error_of([&] { load_tasks({good.task}, folder.path()); });
      EXPECT_THAT(problem, StartsWith(path_of(folder, good.task + ".jsonl:2: "))) << record;
      EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
      ++broken;
      return problem.substr(problem.find(":2: ") + 4);
    };
    for (size_t begin = good.record.find('"'); begin != std::string::npos;) {
      const size_t end = end_of_string(good.record, begin);
      if (good.record[end + 1] == ':') {
        const std::string field = good.record.substr(begin + 1, end - begin - 1);
        const std::string before = good.record.substr(0, begin + 1), after = good.record.substr(end);
        EXPECT_EQ(problem_of(before + "other" + after), "the field \"" + field + "\" is missing");
        EXPECT_THAT(problem_of(before + field + "\": {}, \"" + field + "_" + after),
                    StartsWith("the field \"" + field + "\" is not a "));
      }
      begin = good.record.find('"', end + 1);
    }
    EXPECT_THAT(problem_of(good.record.substr(0, good.record.size() - 1)), StartsWith("broken JSON: "));
    EXPECT_THAT(problem_of(good.record + good.record), StartsWith("broken JSON: "));
    EXPECT_THAT(problem_of("{\"\xFF\": 1}"), StartsWith("broken JSON: "));
    EXPECT_EQ(problem_of("[1]"), "not a JSON object");
  }
  EXPECT_GT(broken, 80);
}

struct Bad {
  std::string task, record, problem;
};

class BadValues : public testing::TestWithParam<Bad> {};

TEST_P(BadValues, AreNamed) {
  const TempFolder folder;
  write_file(folder / (GetParam().task + ".jsonl.gz"), test::gzip(GetParam().record));
  EXPECT_EQ(error_of([&] { load_tasks({GetParam().task}, folder.path()); }),
            path_of(folder, GetParam().task + ".jsonl.gz:1: " + GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadValues,
    testing::Values(
        Bad{"piqa", R"({"goal": "g", "sol1": "a", "sol2": "b", "label": 2})", "the right choice is number 3 of 2"},
        Bad{"piqa", R"({"goal": "g", "sol1": "a", "sol2": "b", "label": -1})", "the right choice is number 0 of 2"},
        Bad{"piqa", R"({"goal": "g", "sol1": "a", "sol2": "b", "label": 0.5})",
            "the field \"label\" is not a whole number"},
        Bad{"piqa", R"({"goal": "g", "sol1": "a", "sol2": "b", "label": "1 "})",
            "the field \"label\" is not a whole number"},
        Bad{"piqa", R"({"goal": "g", "sol1": "a", "sol2": " \u2003\n", "label": 1})", "choice 2 is empty"},
        Bad{"arc_easy", R"({"query": "Question: q\nAnswer:", "choices": ["a"], "gold": 0})",
            "has 1 choices, not at least two"},
        Bad{"arc_easy", R"({"query": "Question: q\nAnswer:", "choices": ["a", 3], "gold": 0})",
            "the field \"choices\" holds what is not a string"},
        Bad{"arc_easy", R"({"query": "q\nAnswer:", "choices": ["a", "b"], "gold": 0})",
            R"(the field "query" does not begin with "Question: " and end with "\nAnswer:")"},
        Bad{"openbookqa", R"({"query": "Question: q", "choices": ["a", "b"], "gold": 0})",
            R"(the field "query" does not begin with "Question: " and end with "\nAnswer:")"},
        Bad{"boolq", R"({"query": "q?\nAnswer:", "choices": ["yes", "No"], "gold": 0})",
            "the field \"choices\" does not hold \"yes\" and \"no\""},
        Bad{"boolq", R"({"query": "q?\nAnswer:", "choices": ["yes", "no"], "gold": 2})",
            "the field \"gold\" is 2, must be 0 or 1"},
        Bad{"winogrande", R"({"sentence": "s", "option1": "a", "option2": "b", "answer": "1"})",
            "the field \"sentence\" has no _ where an option would stand"},
        Bad{"winogrande", R"({"sentence": "s _ ", "option1": "a", "option2": "b", "answer": "1"})",
            "choice 1 is empty"}));

TEST(TaskFiles, AreFoundByTheirNames) {
  const TempFolder folder;
  EXPECT_EQ(error_of([&] { load_tasks({"boolq"}, folder.path()); }),
            path_of(folder, "boolq.jsonl.gz: no such file (nor .jsonl)"));
  EXPECT_EQ(error_of([&] { load_tasks({"social_iqa"}, folder.path()); }),
            path_of(folder, "social_iqa.jsonl.gz: no such file (nor .jsonl; it may also be called siqa)"));
  const std::string part = R"({"query": "part", "choices": ["a", "b"], "gold": 0})";
  const std::string full = R"({"query": "full", "choices": ["a", "b"], "gold": 0})";
  const auto context = [&] { return load_tasks({"hellaswag"}, folder.path())[0].sets[0].items[0].contexts[0]; };
  write_file(folder / "hellaswag_1000.jsonl.gz", test::gzip(part));
  EXPECT_EQ(context(), "part");
  write_file(folder / "hellaswag.jsonl", full);
  EXPECT_EQ(context(), "full");
  write_file(folder / "hellaswag.jsonl", "\n");
  EXPECT_EQ(error_of(context), path_of(folder, "hellaswag.jsonl: holds no items"));
  write_file(folder / "piqa.jsonl.gz", test::gzip(good_records()[5].record).substr(0, 30));
  EXPECT_THAT(error_of([&] { load_tasks({"piqa"}, folder.path()); }), HasSubstr("piqa.jsonl.gz:1: truncated gzip"));
}

TEST(TaskFiles, AFewShotFileIsThePool) {
  const TempFolder folder;
  const Good& good = good_records()[5];
  write_file(folder / "piqa.jsonl", good.record);
  write_file(folder / "piqa.fewshot.jsonl.gz", test::gzip(good.record + "\n" + good.record));
  const ItemSet set = load_tasks({"piqa"}, folder.path())[0].sets[0];
  EXPECT_EQ(set.examples, Examples::kSampledOthers);
  EXPECT_EQ(set.pool, (std::vector<Item>{good.item, good.item}));
  write_file(folder / "piqa.fewshot.jsonl.gz", test::gzip("{}"));
  EXPECT_EQ(error_of([&] { load_tasks({"piqa"}, folder.path()); }),
            path_of(folder, "piqa.fewshot.jsonl.gz:1: the field \"goal\" is missing"));
}

const std::string kRow = "\" one,\ntwo \",w,\"x \"\"y\"\"\",,z,C\r\n";

TEST(Mmlu, IsReadFromAnArchiveOrAFolder) {
  const TempFolder folder;
  test::write_zip(folder / "mmlu.zip", {{"data/", ""},
                                        {"data/test/b_c_test.csv", kRow + kRow},
                                        {"data/dev/b_c_dev.csv", kRow},
                                        {"data/val/b_c_val.csv", "?"},
                                        {"data/README", "?"},
                                        {"data/test/._b_c_test.csv", "?"},
                                        {"data/test/a_test.csv", kRow},
                                        {"data/dev/a_dev.csv", kRow}});
  const auto archived = load_tasks({"mmlu"}, folder.path())[0].sets;
  ASSERT_EQ(archived.size(), 2U);
  EXPECT_EQ(archived[0].name, "mmlu_a");
  EXPECT_EQ(archived[1].name, "mmlu_b_c");
  EXPECT_EQ(archived[1].description, "The following are multiple choice questions (with answers) about b c.\n\n");
  const Item item{{"one,\ntwo\nA. w\nB. x \"y\"\nC. \nD. z\nAnswer:"}, {"A", "B", "C", "D"}, 2};
  EXPECT_EQ(archived[1].items, (std::vector<Item>{item, item}));
  EXPECT_EQ(archived[1].pool, std::vector<Item>{item});
  EXPECT_EQ(archived[1].examples, Examples::kFirst);

  std::filesystem::create_directories(folder / "mmlu/data/test");
  std::filesystem::create_directories(folder / "mmlu/data/dev");
  write_file(folder / "mmlu/data/test/d_test.csv", kRow);
  write_file(folder / "mmlu/data/dev/d_dev.csv", kRow);
  EXPECT_EQ(load_tasks({"mmlu"}, folder.path())[0].sets[0].name, "mmlu_d");
}

TEST(Mmlu, NamesWhatIsWrongWithItsFiles) {
  const TempFolder folder;
  const auto problem = [&] { return error_of([&] { load_tasks({"mmlu"}, folder.path()); }); };
  const auto problem_of = [&](const std::string& test_file) {
    test::write_zip(folder / "mmlu.zip", {{"test/a_test.csv", test_file}, {"dev/a_dev.csv", kRow}});
    return problem();
  };
  const std::string archive = path_of(folder, "mmlu.zip: "), file = archive + "test/a_test.csv";
  EXPECT_EQ(problem(), archive + "no such file (nor a folder mmlu beside it)");
  EXPECT_EQ(problem_of(""), file + ": holds no items");
  EXPECT_EQ(problem_of("\xFF" + kRow), file + ": is not UTF-8");
  EXPECT_EQ(problem_of(kRow + "q,a,b,c,D\n"), file + ":3: has 5 fields, not 6: a question, four choices, a letter");
  EXPECT_EQ(problem_of(kRow + kRow + "q,a,b,c,d,E\n"), file + ":5: the right choice is \"E\", must be A, B, C or D");
  EXPECT_EQ(problem_of(kRow + "q,a,b,c,d,\"A\n"), file + ":3: a quote is never closed");
  EXPECT_EQ(problem_of(std::string(256'000'001, 'a')), file + ": has more than the 256000000 bytes that it may have");
  test::write_zip(folder / "mmlu.zip", {{"test/a_test.csv", kRow}});
  EXPECT_EQ(problem(), archive + "has test/a_test.csv, but not dev/a_dev.csv");
  test::write_zip(folder / "mmlu.zip", {{"x", kRow}});
  EXPECT_EQ(problem(), archive + "has no file test/SUBJECT_test.csv");
  test::write_zip(folder / "mmlu.zip", {{"a/test/a_test.csv", kRow}, {"b/test/a_test.csv", kRow}});
  EXPECT_EQ(problem(), archive + "b/test/a_test.csv: another file of the archive is called so too");
  write_file(folder / "mmlu.zip", "<html>404</html>");
  EXPECT_THAT(problem(), StartsWith(archive + "cannot read as a zip archive"));
  std::filesystem::create_directory(folder / "mmlu");
  EXPECT_EQ(problem(), path_of(folder, "mmlu/test: no such folder"));
}

TEST(TaskNames, AreTasksPartsAndLists) {
  STRATA_NEEDS_TEST_DATA();
  const auto names_of = [](const Names& names) {
    Names loaded;
    for (const LoadedTask& task : load_tasks(names, test::test_data() / "eval")) loaded.push_back(task.name);
    return loaded;
  };
  EXPECT_THAT(names_of({"piqa", "paper7", "boolq"}),
              ElementsAre("piqa", "mmlu", "boolq", "arc_easy", "hellaswag", "openbookqa", "winogrande"));
  EXPECT_THAT(names_of({"mmlu_virology", "mmlu_virology"}), ElementsAre("mmlu_virology"));
  const auto part = load_tasks({"mmlu_college_biology"}, test::test_data() / "eval");
  ASSERT_EQ(part[0].sets.size(), 1U);
  EXPECT_EQ(part[0].sets[0].name, "mmlu_college_biology");
  EXPECT_EQ(part[0].sets[0].items.size(), 144U);
}

TEST(TaskNames, UnknownOnesAreUsageErrors) {
  const auto problem_of = [](const std::string& name, const std::filesystem::path& folder) {
    try {
      load_tasks({"boolq", name}, folder);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(problem_of("helaswag", "nowhere"),
            "unknown task \"helaswag\"; did you mean \"hellaswag\"? (known: " + join(task_registry().names(), " ") +
                " paper7, mmlu_PART for a part of mmlu)");
  EXPECT_THAT(problem_of("paper8", "nowhere"), HasSubstr("did you mean \"paper7\"?"));
  EXPECT_THAT(problem_of("boolq_x", "nowhere"), StartsWith("unknown task \"boolq_x\""));
  EXPECT_THAT(problem_of("", "nowhere"), StartsWith("unknown task \"\""));
  STRATA_NEEDS_TEST_DATA();
  EXPECT_THAT(
      problem_of("mmlu_astronmy", test::test_data() / "eval"),
      StartsWith("unknown task \"mmlu_astronmy\"; did you mean \"mmlu_astronomy\"? (known: mmlu_abstract_algebra "));
}

TEST(TaskSizes, AreThoseOfTheSplits) {
  STRATA_NEEDS_TEST_DATA();
  const std::map<std::string, size_t> sizes{{"arc_challenge", 1172}, {"arc_easy", 2376},   {"boolq", 3270},
                                            {"hellaswag", 1000},     {"mmlu", 14042},      {"openbookqa", 500},
                                            {"piqa", 1838},          {"social_iqa", 1954}, {"winogrande", 1267}};
  Names names;
  for (const auto& [name, size] : sizes) names.push_back(name);
  for (const LoadedTask& task : load_tasks(names, test::test_data() / "eval")) {
    size_t items = 0;
    for (const ItemSet& set : task.sets) items += set.items.size();
    EXPECT_EQ(items, sizes.at(task.name)) << task.name;
    EXPECT_EQ(task.sets.size(), task.name == "mmlu" ? 57U : 1U);
  }
}

}  // namespace
}  // namespace strata::eval
