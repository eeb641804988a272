#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/data/source.h"
#include "strata/data/tokenize.h"
#include "support/compress.h"
#include "support/data_fixtures.h"

namespace strata::data {
namespace {

using strata::test::gzip;
using strata::test::read_file;
using strata::test::TempFolder;
using strata::test::write_file;
using strata::test::zstd;
using test::error_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class CsvDocuments : public testing::Test {
 protected:
  Source file(const std::string& name, const std::string& content) {
    write_file(folder_ / name, content);
    return {name, {folder_ / name}};
  }

  static std::vector<std::string> read(const Source& source, const ReadOptions& options = {}) {
    DocumentReader reader(source, options);
    std::vector<std::string> documents;
    for (std::string text; reader.next(text);) documents.push_back(text);
    return documents;
  }

  std::string error(const std::string& name, const std::string& content, const ReadOptions& options = {}) {
    return error_of([&] { read(file(name, content), options); });
  }

  TempFolder folder_;
};

TEST_F(CsvDocuments, AreTheColumnOfTheHeader) {
  const std::string comma = "id,text,x\n1,\"one, or\nmore\",a\n2,two,b\r\n\n3,\"\",c\n4,\"say \"\"hi\"\"\",";
  EXPECT_THAT(read(file("a.csv", comma)), ElementsAre("one, or\nmore", "two", "", "say \"hi\""));
  EXPECT_THAT(read(file("a.csv.gz", gzip(comma))), ElementsAre("one, or\nmore", "two", "", "say \"hi\""));
  EXPECT_THAT(read(file("a.csv.zst", zstd(comma)), {.field = "x"}), ElementsAre("a", "b", "c", ""));
  const std::string tab =
      "\xEF\xBB\xBF"
      "meta.text\tid\none, or\t1\n\"two\ttabs\nand lines\"\t2\n";
  EXPECT_THAT(read(file("a.tsv", tab), {.field = "meta.text"}), ElementsAre("one, or", "two\ttabs\nand lines"));
  EXPECT_THAT(read(file("a.tsv.zstd", zstd(tab)), {.field = "meta.text"}), testing::SizeIs(2));
  EXPECT_THAT(read(file("only_header.csv", "text,id\n")), ElementsAre());
}

TEST_F(CsvDocuments, WithoutTheColumnAreRefused) {
  EXPECT_THAT(
      error("a.csv", "id,content\n1,x\n"),
      HasSubstr("a.csv:1: the header has no column \"text\"; texts are in id, content (data.field names the one"));
  EXPECT_THAT(error("a.csv", "text,text\n1,x\n"), HasSubstr("a.csv:1: the header has the column \"text\" twice"));
  EXPECT_THAT(error("a.csv", ""), HasSubstr("a.csv: is empty, and has no header"));
  EXPECT_THAT(error("a.csv", "te\"xt\n"), HasSubstr("a.csv:1: a quote stands where none may"));
  EXPECT_THAT(error("a.tsv", "text,id\n1,x\n"), HasSubstr("a.tsv:1: the header has no column \"text\""));
}

struct BadRow {
  const char* row;
  const char* problem;
};

// A bad row stops the run with its place, or costs exactly itself.
TEST_F(CsvDocuments, BadRowsAreNamedOrSkipped) {
  for (const BadRow& bad :
       {BadRow{"2,b,c", "has 3 fields; the header has 2"}, BadRow{"2", "has 1 field; the header has 2"},
        BadRow{"2,b\"c", "a quote stands where none may"}, BadRow{"2,\"b\"c", "a quote stands"},
        BadRow{"2,\xff", "not UTF-8"}, BadRow{"2,0123456789abcdef", "longer than 12 bytes"}}) {
    const std::string content = str("id,text\n1,\"o\nne\"\n", bad.row, "\n3,three\n");
    const bool is_long = std::string_view(bad.problem).starts_with("longer");
    const ReadOptions options{.longest_document = is_long ? 12 : 1'000};
    EXPECT_THAT(error("a.csv", content, options), AllOf(HasSubstr("a.csv:4: "), HasSubstr(bad.problem)));
    if (is_long) continue;  // nothing of the file is read behind it
    ReadOptions skipping = options;
    skipping.skip_bad = true;
    DocumentReader reader(file("a.csv", content), skipping);
    std::vector<std::string> documents;
    for (std::string text; reader.next(text);) documents.push_back(text);
    EXPECT_THAT(documents, ElementsAre("o\nne", "three")) << bad.row;
    EXPECT_EQ(reader.bad_documents(), 1);
  }
  EXPECT_THAT(error("a.csv", "id,text\n1,\"never\nclosed\n"), HasSubstr("a.csv:2: a quote is never closed"));
  const std::string cut = gzip("id,text\n1,one\n2,two\n");
  EXPECT_THAT(error("a.csv.gz", cut.substr(0, cut.size() - 5)), HasSubstr("truncated gzip"));
}

// Whatever the file is, the same text is the same ids.
TEST_F(CsvDocuments, HaveTheIdsOfTheSameJsonLines) {
  std::string json, csv = "n,text\n";
  for (int number = 0; number < 200; ++number) {
    const std::string text = test::made_up_text(number, 1 + number % 60) + (number % 7 == 0 ? "\"quoted\",\r\n" : "");
    json += nlohmann::json{{"text", text}}.dump() + "\n";
    std::string quoted;
    for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
    csv += str(number, ",\"", quoted, "\"\n");
  }
  const auto shard_of = [&](const std::string& name, const std::string& content) {
    tokenize(file(name, content), *test::small_tokenizer(), {}, folder_ / "shard");
    return read_file(folder_ / "shard");
  };
  const std::string expected = shard_of("a.jsonl", json);
  EXPECT_GT(expected.size(), 5'000U);
  EXPECT_TRUE(shard_of("a.csv", csv) == expected);
  EXPECT_TRUE(shard_of("a.csv.zst", zstd(csv)) == expected);
  EXPECT_TRUE(shard_of("a.jsonl.zst", zstd(json)) == expected);
}

}  // namespace
}  // namespace strata::data
