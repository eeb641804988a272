#include "strata/data/samples/instructions.h"

#include "support/compress.h"
#include "support/errors.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

using strata::test::error_of;
using strata::test::TempFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StrEq;

Instruction record(const std::string& instruction, const std::string& input, const std::string& output,
                   const std::string& answer = "") {
  return {.turns = {{instruction, input, output}}, .answer = answer};
}

constexpr const char* kArray = R"( [
  {"instruction": "a [\"}", "input": "", "output": "b", "answer": "c"},
  {"output": "e\n", "instruction": "d", "more": [1, {"x": 2}]},
  {"instruction": "f", "input": null, "output": "h", "answer": null}, {"instruction": "", "input": "i", "output": "j"}
])";

TEST(Instructions, ComeFromAnArray) {
  EXPECT_THAT(parse_instructions(kArray, "x"), ElementsAre(record("a [\"}", "", "b", "c"), record("d", "", "e\n"),
                                                           record("f", "", "h"), record("", "i", "j")));
  EXPECT_TRUE(parse_instructions("[]\n", "x").empty());
}

TEST(Instructions, ComeFromLines) {
  const auto records = parse_instructions(
      "\n {\"instruction\": \"a\", \"output\": \"b\"}\r\n \t\n{\"instruction\": \"[\", \"input\": \"c\", \"output\": "
      "\"\\u00b5\", \"answer\": \"d\"}",
      "x");
  EXPECT_THAT(records, ElementsAre(record("a", "", "b"), record("[", "c", "µ", "d")));
  EXPECT_TRUE(parse_instructions(" \n\n", "x").empty());
}

TEST(Instructions, ComeFromMessages) {
  const auto records = parse_instructions(
      R"([{"messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "1+1?"},
        {"role": "assistant", "content": "2"}, {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4"}, {"role": "user", "content": "thanks"}], "answer": "4"},
        {"messages": [{"role": "system", "content": "Say x."}, {"role": "assistant", "content": "x", "name": "me"}]}])",
      "x");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(records[0].turns, ElementsAre(Turn{"Be brief.\n\n1+1?", "", "2"}, Turn{"2+2?", "", "4"}));
  EXPECT_EQ(records[0].answer, "4");
  EXPECT_TRUE(records[0].has_unanswered);
  EXPECT_EQ(records[1], record("Say x.", "", "x"));
}

TEST(Instructions, NullIsAsIfItWereNotThere) {
  const auto records = parse_instructions(
      R"({"messages": null, "instruction": "a", "input": null, "output": "b", "answer": null})", "x");
  EXPECT_THAT(records, ElementsAre(record("a", "", "b")));
}

struct BadRecord {
  const char* json;
  const char* problem;
};

class BadRecords : public testing::TestWithParam<BadRecord> {};

// The same record as a line of a file and in an array.
TEST_P(BadRecords, AreNamedInOneLine) {
  const std::string good = R"({"instruction": "a", "output": "b"})";
  EXPECT_THAT(error_of([&] { parse_instructions(good + "\n\n" + GetParam().json, "f.json"); }),
              StrEq(str("f.json:3: ", GetParam().problem)));
  EXPECT_THAT(error_of([&] { parse_instructions("[" + good + ",\n" + GetParam().json + "]", "f.json"); }),
              StrEq(str("f.json: record 2: ", GetParam().problem)));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadRecords,
    testing::Values(
        BadRecord{R"({"instruction": "a", "output": "b", "output": "c"})", "the field \"output\" is there twice"},
        BadRecord{
            R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]})",
            "a message has the \"weight\" 0; every message of the assistant weighs 1"},
        BadRecord{"3", "not a JSON object"}, BadRecord{"[]", "not a JSON object"},
        BadRecord{R"({"output": "b"})", "the field \"instruction\" is missing"},
        BadRecord{R"({"instruction": "a"})", "the field \"output\" is missing"},
        BadRecord{R"({"instruction": ["a"], "output": "b"})", "the field \"instruction\" is not a string"},
        BadRecord{R"({"instruction": "a", "input": 1, "output": "b"})", "the field \"input\" is not a string"},
        BadRecord{R"({"instruction": "a", "output": null})", "the field \"output\" is not a string"},
        BadRecord{R"({"instruction": "a", "output": " \n"})", "the field \"output\" is empty"},
        BadRecord{R"({"instruction": "a", "output": "b", "answer": true})", "the field \"answer\" is not a string"},
        BadRecord{R"({"messages": "a"})", "the field \"messages\" is not a list"},
        BadRecord{R"({"messages": ["a"]})", "the field \"messages\" holds what is not a JSON object"},
        BadRecord{R"({"messages": []})", "the field \"messages\" has no message of the assistant"},
        BadRecord{R"({"messages": [{"role": "user", "content": "a"}]})",
                  "the field \"messages\" has no message of the assistant"},
        BadRecord{R"({"messages": [{"role": "assistant", "content": "a"}]})",
                  "a message of the assistant has none of the system or the user before it"},
        BadRecord{R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]})",
                  "a message of the assistant is empty"},
        BadRecord{R"({"messages": [{"role": "tool", "content": "a"}]})",
                  "unknown role \"tool\" (known: system user assistant)"},
        BadRecord{R"({"messages": [{"content": "a"}]})", "the field \"role\" is missing"},
        BadRecord{R"({"messages": [{"role": "user"}]})", "the field \"content\" is missing"}));

TEST(Instructions, BrokenJsonIsPlaced) {
  const std::string good = R"({"instruction": "a", "output": "b"})";
  EXPECT_THAT(error_of([&] { parse_instructions(good + "\n{\"instruction\": \"a\", \n", "f"); }),
              testing::StartsWith("f:2: broken JSON: "));
  EXPECT_THAT(error_of([&] { parse_instructions(good + good, "f"); }), testing::StartsWith("f:1: broken JSON: "));
  for (const char* rest : {" {\"instruction\": \"c\", \"output\": \"d\"}]", ", {\"instruction\" \"c\", \"output\": 1}]",
                           ", {\"instruction\": \"c\"", ", {\"instruction\": 'c'}]", ", \"\xff\"]"}) {
    EXPECT_THAT(error_of([&] { parse_instructions("[" + good + rest, "f"); }),
                testing::MatchesRegex("f: record [12]: .+"))
        << rest;
  }
  EXPECT_THAT(error_of([&] { parse_instructions("[" + good + "] {}", "f"); }), HasSubstr("f: "));
}

TEST(Instructions, ComeFromFilesInOrder) {
  const TempFolder folder;
  test::write_file(folder / "a.jsonl.gz", test::gzip("{\"instruction\": \"a\", \"output\": \"1\"}\n"));
  test::write_file(folder / "b.json", "[{\"instruction\": \"b\", \"output\": \"2\"}]");
  const auto records = read_instructions({(folder / "b.json").string(), (folder / "*.jsonl.gz").string()});
  EXPECT_THAT(records, ElementsAre(record("b", "", "2"), record("a", "", "1")));
}

TEST(Instructions, OtherFilesAreRefused) {
  const TempFolder folder;
  test::write_file(folder / "a.txt", "hello");
  EXPECT_THAT(error_of([&] { read_instructions({(folder / "a.txt").string()}); }),
              StrEq(str("sft.data: ", (folder / "a.txt").string(), " is none of .json .jsonl (each also .gz, .zst)")));
  EXPECT_THAT(error_of([&] { read_instructions({(folder / "no*.json").string()}); }),
              StrEq(str("sft.data: no file matches \"", (folder / "no*.json").string(), "\"")));
  EXPECT_THAT(error_of([&] { read_instructions({}); }), StrEq("sft.data: names no file"));
  EXPECT_THAT(error_of([&] { read_instructions({"https://x/a.json"}); }), HasSubstr("is a URL, not a file"));
  test::write_file(folder / "cut.json.gz", test::gzip(kArray).substr(0, 60));
  EXPECT_THAT(error_of([&] { read_instructions({(folder / "cut.json.gz").string()}); }), HasSubstr("truncated gzip"));
}

TEST(Instructions, ReadCommonsense) {
  STRATA_NEEDS_TEST_DATA();
  const auto records = read_instructions({(test::test_data() / "commonsense/commonsense_train.json.gz").string()});
  EXPECT_EQ(records.size(), 107'675U);
  EXPECT_EQ(records[0].turns[0].output, "the correct answer is answer3");
  for (const Instruction& each : records) {
    EXPECT_EQ(each.turns[0].output, "the correct answer is " + each.answer);
    EXPECT_EQ(each.turns[0].input, "");
  }
}

}  // namespace
}  // namespace strata::data
