#include "strata/data/source.h"

#include "strata/base/check.h"
#include "support/compress.h"
#include "support/data_fixtures.h"
#include "support/test_data.h"

namespace strata::data {
namespace {

using strata::test::gzip;
using strata::test::TempFolder;
using strata::test::write_file;
using test::error_of;

std::vector<std::string> documents_of(DocumentReader reader) {
  std::vector<std::string> documents;
  for (std::string text; reader.next(text);) documents.push_back(text);
  return documents;
}

std::vector<std::string> names_of(const std::vector<Source>& sources) {
  std::vector<std::string> names;
  for (const auto& source : sources) names.push_back(source.name);
  return names;
}

Source one_file(const std::filesystem::path& path) { return {path.filename().string(), {path}}; }

TEST(Source, RangesAreWrittenOut) {
  EXPECT_EQ(expand_ranges("a.{008..011}-of-9"),
            (std::vector<std::string>{"a.008-of-9", "a.009-of-9", "a.010-of-9", "a.011-of-9"}));
  EXPECT_EQ(expand_ranges("{0..1}{8..9}"), (std::vector<std::string>{"08", "09", "18", "19"}));
  EXPECT_EQ(expand_ranges("plain {a,b} {x..y}"), std::vector<std::string>{"plain {a,b} {x..y}"});
  EXPECT_EQ(error_of([] { expand_ranges("a{09..00}"); }),
            "a{09..00}: {09..00} names no file: it ends before it begins");
  EXPECT_THAT(error_of([] { expand_ranges("a{0..999999999}"); }), testing::HasSubstr("more than a million files"));
  EXPECT_THAT(error_of([] { expand_ranges("{0..2000}{0..2000}"); }), testing::HasSubstr("more than a million files"));
}

TEST(Source, PatternsRangesAndFoldersFindFilesInOrder) {
  TempFolder folder;
  for (const char* name : {"c.1.json.gz", "c.0.json.gz", "c.2.json.gz", "d.jsonl", "notes.md"})
    write_file(folder / name, "");
  const auto path = [&](const char* name) { return (folder / name).string(); };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of(find_sources({path("c.*.json.gz")}, "data.train")),
            (Names{"c.0.json.gz", "c.1.json.gz", "c.2.json.gz"}));
  EXPECT_EQ(names_of(find_sources({path("d.jsonl"), path("c.{1..2}.json.gz")}, "data.train")),
            (Names{"d.jsonl", "c.1.json.gz", "c.2.json.gz"}));
  EXPECT_EQ(names_of(find_sources({folder.path().string()}, "data.train")),
            (Names{"c.0.json.gz", "c.1.json.gz", "c.2.json.gz", "d.jsonl"}));
}

TEST(Source, TextFilesOfAPatternAreOneSource) {
  TempFolder folder;
  std::filesystem::create_directories(folder / "deeper");
  write_file(folder / "a.txt", "first\n\nparagraph\n");
  write_file(folder / "deeper/b.txt", "second");
  write_file(folder / "deeper/empty.txt", "");
  const auto sources = find_sources({folder.path().string()}, "data.train");
  ASSERT_EQ(sources.size(), 1U);
  EXPECT_EQ(documents_of(DocumentReader(sources[0], {})), (std::vector<std::string>{"first\n\nparagraph\n", "second"}));
}

TEST(Source, WhatMatchesNothingIsWrongUsage) {
  TempFolder folder;
  EXPECT_THROW(find_sources({}, "data.train"), UsageError);
  EXPECT_THROW(find_sources({(folder / "*.json").string()}, "data.train"), UsageError);
  EXPECT_THAT(error_of([] { find_sources({"no_such/*.json.gz"}, "data.train"); }),
              testing::MatchesRegex(
                  "data.train: no file matches \"no_such/\\*.json.gz\" \\(looked in /.*\\); scripts/fetch_data.sh .*"));
  write_file(folder / "c.0.json", "{}");
  EXPECT_THAT(error_of([&] { find_sources({(folder / "c.{0..1}.json").string()}, "data.train"); }),
              testing::HasSubstr("c.1.json"));
  write_file(folder / "a.orc", "");
  EXPECT_THAT(error_of([&] { find_sources({(folder / "a.orc").string()}, "data.train"); }),
              testing::HasSubstr("a.orc is none of .json .jsonl .txt .csv .tsv (each"));
}

TEST(Source, ReadsRealC4) {
  STRATA_NEEDS_TEST_DATA();
  const auto sources = find_sources(
      {(strata::test::test_data() / "c4/c4-train.{00000..00002}-of-00003.json.gz").string()}, "data.train");
  ASSERT_EQ(sources.size(), 3U);
  size_t documents = 0;
  for (const auto& source : sources) documents += documents_of(DocumentReader(source, {})).size();
  EXPECT_EQ(documents, 3000U);
}

struct BadLine {
  const char* line;
  const char* what;
};

class BadLines : public testing::TestWithParam<BadLine> {};

// A bad line stops the run with its place, or costs exactly itself.
TEST_P(BadLines, AreNamedOrSkipped) {
  TempFolder folder;
  const auto path = folder / "c.json.gz";
  write_file(path,
             gzip(str("{\"text\": \"one\"}\n\n", GetParam().line, "\n{\"text\": \"t\\u0077o\", \"url\": \"x\"}")));
  EXPECT_THAT(error_of([&] { documents_of(DocumentReader(one_file(path), {.longest_document = 50})); }),
              testing::AllOf(testing::HasSubstr("c.json.gz:3: "), testing::HasSubstr(GetParam().what)));
  DocumentReader skipping(one_file(path), {.skip_bad = true, .longest_document = 50});
  std::vector<std::string> documents;
  for (std::string text; skipping.next(text);) documents.push_back(text);
  EXPECT_EQ(documents, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(skipping.bad_documents(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BadLines,
    testing::Values(BadLine{"{\"text\": \"cut", "broken JSON"}, BadLine{"{\"text\": \"a\", \"x\": [1", "broken JSON"},
                    BadLine{"{\"text\": \"a\", \"text\": \"b\"}", "\"text\" is there twice"},
                    BadLine{"{\"text\": \"a\"} b", "broken JSON"}, BadLine{"{\"txt\": \"a\"}", "\"text\" is missing"},
                    BadLine{"{\"text\": 3}", "not a string"}, BadLine{"[1]", "not a JSON object"},
                    BadLine{"{\"text\": \"0123456789012345678901234567890123456789\"}", "is longer than 50 bytes"},
                    BadLine{"{\"text\": \"\xff\"}", "UTF-8"}, BadLine{"{\"text\": \"\\ud800\"}", "broken JSON"}));

TEST(Source, ACutFileIsNamedOrEndsThere) {
  TempFolder folder;
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += str("{\"text\": \"", i * 7919 % 10007, "\"}\n");
  const std::string whole = gzip(lines);
  const auto path = folder / "c.json.gz";
  write_file(path, whole.substr(0, whole.size() / 2));
  write_file(folder / "after.json", "{\"text\": \"after\"}");
  EXPECT_THAT(error_of([&] { documents_of(DocumentReader(one_file(path), {})); }),
              testing::MatchesRegex(".*c.json.gz:[0-9]+: truncated gzip.*"));
  const auto documents = documents_of(DocumentReader({"both", {path, folder / "after.json"}}, {.skip_bad = true}));
  EXPECT_GT(documents.size(), 1'000U);
  EXPECT_LT(documents.size(), 19'000U);
  EXPECT_EQ(documents.back(), "after");
}

// What other tools write beside the text costs no document.
TEST(Source, ReadsWhatStandsBesideOtherFields) {
  TempFolder folder;
  write_file(folder / "a.jsonl",
             "\xEF\xBB\xBF{\"text\": \"marked\"}\n{\"score\": NaN, \"text\": \"two\"}\n"
             "{\"text\": \"three\", \"id\": 123456789012345678901234567890}\n");
  write_file(folder / "padded.json.gz", gzip("{\"text\": \"four\"}\n") + std::string(1000, '\0'));
  EXPECT_EQ(documents_of(DocumentReader({"both", {folder / "a.jsonl", folder / "padded.json.gz"}}, {})),
            (std::vector<std::string>{"marked", "two", "three", "four"}));
}

TEST(Source, FoldersAreTheirDataAlone) {
  TempFolder folder;
  for (const char* name : {".hidden", "below"}) std::filesystem::create_directory(folder / name);
  for (const char* name : {"a.txt", "._a.txt", ".hidden/b.txt", "below/c.jsonl", "below/d.JSONL", "e.xz"}) {
    write_file(folder / name, "{\"text\": \"x\"}");
  }
  testing::internal::CaptureStderr();
  const auto sources = find_sources({folder.path().string()}, "data.train");
  EXPECT_EQ(
      testing::internal::GetCapturedStderr(),
      str("warning: ", folder.path().string(),
          ": passed over 2 files that are none of .json .jsonl .txt .csv .tsv (each also .gz, .zst) .parquet .bin: "
          "below/d.JSONL, e.xz\n"));
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].name, "c.jsonl");
  EXPECT_EQ(sources[1].name, "a.txt");
}

TEST(Source, FollowsLinksAndNamesTheDeadOnes) {
  TempFolder folder;
  for (const char* name : {"f", "g"}) std::filesystem::create_directory(folder / name);
  write_file(folder / "f/a.jsonl", "{\"text\": \"x\"}");
  write_file(folder / "g/c.jsonl", "{\"text\": \"x\"}");
  std::filesystem::create_directory_symlink("../g", folder / "f/more");
  std::filesystem::create_directory_symlink("..", folder / "f/around");
  EXPECT_EQ(find_sources({(folder / "f").string()}, "data.train").size(), 2U);
  std::filesystem::create_symlink("/nonexistent", folder / "f/b.jsonl");
  EXPECT_THAT(error_of([&] { find_sources({(folder / "f").string()}, "data.train"); }),
              testing::HasSubstr("f/b.jsonl: is a link to what is not there"));
}

TEST(Source, TellsOfAFileThatIsNamedTwice) {
  TempFolder folder;
  write_file(folder / "a.jsonl", "{\"text\": \"x\"}");
  testing::internal::CaptureStderr();
  EXPECT_EQ(find_sources({(folder / "a.jsonl").string(), (folder / "*.jsonl").string()}, "data.train").size(), 2U);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("a.jsonl is named twice, and is read as often"));
}

TEST(Source, TextFilesAreTheirBytes) {
  TempFolder folder;
  for (const char* text : {"hello", "hello\n", "a\n\nb"}) {
    write_file(folder / "a.txt", text);
    EXPECT_EQ(documents_of(DocumentReader(one_file(folder / "a.txt"), {})), std::vector<std::string>{text});
  }
}

TEST(Source, FindsFilesAtAnyDepth) {
  TempFolder folder;
  std::filesystem::create_directories(folder / "a/b/c");
  std::filesystem::create_directories(folder / "a/.hidden");
  for (const char* name : {"a/x.jsonl", "a/b/c/y.jsonl", "a/b/z.txt", "a/.hidden/x.jsonl", "top.jsonl"}) {
    write_file(folder / name, "{\"text\": \"x\"}");
  }
  const auto names = [&](const char* pattern) {
    std::vector<std::string> found;
    for (const Source& source : find_sources({(folder / pattern).string()}, "data.train")) found.push_back(source.name);
    return found;
  };
  EXPECT_THAT(names("**/*.jsonl"), testing::ElementsAre("y.jsonl", "x.jsonl", "top.jsonl"));
  EXPECT_THAT(names("a/**/*.jsonl"), testing::ElementsAre("y.jsonl", "x.jsonl"));
  EXPECT_THAT(names("a/**/c"), testing::ElementsAre("y.jsonl"));
  EXPECT_THAT(names("**/b/**/*.jsonl"), testing::ElementsAre("y.jsonl"));
}

TEST(Source, TheTextMayBeInAnotherField) {
  TempFolder folder;
  const auto path = folder / "a.jsonl";
  write_file(path, "{\"id\": 1, \"content\": \"one\"}\n{\"content\": \"two\", \"score\": NaN}\n");
  EXPECT_EQ(documents_of(DocumentReader(one_file(path), {.field = "content"})),
            (std::vector<std::string>{"one", "two"}));
  EXPECT_THAT(error_of([&] { documents_of(DocumentReader(one_file(path), {})); }),
              testing::HasSubstr("a.jsonl:1: the field \"text\" is missing; texts are in content (data.field names"));
}

TEST(Source, TheTextMayLieInObjectsInside) {
  TempFolder folder;
  const auto path = folder / "a.jsonl";
  const auto read = [&](const std::string& lines, const std::string& field) {
    write_file(path, lines);
    return documents_of(DocumentReader(one_file(path), {.field = field}));
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(read(R"({"meta": {"text": "one", "n": 1}, "text": "other"})", "meta.text"), Texts{"one"});
  EXPECT_EQ(read(R"({"a": {"b": {"c": "deep"}}})", "a.b.c"), Texts{"deep"});
  // A key with a dot in it wins, wherever it stands and however long it is.
  EXPECT_EQ(read(R"({"a": {"b": "inner"}, "a.b": "own"})", "a.b"), Texts{"own"});
  EXPECT_EQ(read(R"({"a.b": "own", "a": {"b": "inner"}})", "a.b"), Texts{"own"});
  EXPECT_EQ(read(R"({"a": {"b": {"c": "1"}}, "a.b": {"c": "2"}})", "a.b.c"), Texts{"2"});
  EXPECT_EQ(read(R"({"a": {"b.c": "3", "b": 4}})", "a.b.c"), Texts{"3"});
  // The same beside what is no JSON.
  EXPECT_EQ(read("{\"a\": {\"b\": \"inner\", \"n\": NaN}, \"a.b\": \"own\"}", "a.b"), Texts{"own"});
  EXPECT_EQ(read("{\"n\": NaN, \"a\": {\"b\": \"in\\u0041\"}}", "a.b"), Texts{"inA"});
  EXPECT_EQ(read("{\"n\": NaN, \"a.b\": \"own\", \"a\": {\"b\": 3}}", "a.b"), Texts{"own"});
}

TEST(Source, WhereAnInnerTextIsMissingIsSaid) {
  TempFolder folder;
  const auto path = folder / "a.jsonl";
  const auto error = [&](const std::string& lines, const std::string& field) {
    write_file(path, lines);
    return error_of([&] { documents_of(DocumentReader(one_file(path), {.field = field})); });
  };
  using testing::HasSubstr;
  EXPECT_THAT(error(R"({"meta": {"id": "x"}, "text": "t"})", "meta.text"),
              HasSubstr("a.jsonl:1: the field \"meta.text\" is missing; texts are in meta.id (data.field"));
  EXPECT_THAT(error(R"({"meta": "x"})", "meta.text"), HasSubstr("the field \"meta\" is no object with \"text\" in it"));
  EXPECT_THAT(error(R"({"meta": {"text": 3}})", "meta.text"), HasSubstr("the field \"meta.text\" is not a string"));
  EXPECT_THAT(error(R"({"meta": {"text": "a", "text": "b"}})", "meta.text"), HasSubstr("\"meta.text\" is there twice"));
  EXPECT_THAT(error(R"({"meta": {"text": "a"}, "meta": {"text": "b"}})", "meta.text"),
              HasSubstr("\"meta\" is there twice"));
  EXPECT_THAT(error(R"({"meta": {"text": "a"}})", "meta"), HasSubstr("the field \"meta\" is not a string"));
  EXPECT_THAT(error(R"({"meta": {"text": "a"}})", "text"), HasSubstr("is missing; texts are in meta.text (data.field"));
  EXPECT_THAT(error("{\"n\": NaN, \"meta\": 1}", "meta.text"), HasSubstr("broken JSON"));
}

// A small file that is decompressed cannot take all memory.
TEST(Source, NoLineAndNoDocumentIsLongerThanAllowed) {
  TempFolder folder;
  write_file(folder / "line.jsonl", "{\"text\": \"" + std::string(1000, 'x') + "\"}\n{\"text\": \"short\"}\n");
  write_file(folder / "lines.txt.gz", gzip(std::string(1000, '\n')));
  for (const char* name : {"line.jsonl", "lines.txt.gz"}) {
    EXPECT_THAT(error_of([&] { documents_of(DocumentReader(one_file(folder / name), {.longest_document = 500})); }),
                testing::MatchesRegex(str(".*", name, ":[0-9]+: .*longer than 500 bytes.*")))
        << name;
    EXPECT_EQ(documents_of(DocumentReader(one_file(folder / name), {.longest_document = 1100})).empty(), false) << name;
  }
}

TEST(Source, TextFilesMustBeUtf8) {
  TempFolder folder;
  write_file(folder / "a.txt", "fine\n\xc3\x28 not\n");
  EXPECT_THAT(error_of([&] { documents_of(DocumentReader(one_file(folder / "a.txt"), {})); }),
              testing::HasSubstr("a.txt:2: not UTF-8"));
  EXPECT_TRUE(documents_of(DocumentReader(one_file(folder / "a.txt"), {.skip_bad = true})).empty());
}

}  // namespace
}  // namespace strata::data
