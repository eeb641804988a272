#include "strata/eval/documents.h"

#include "support/data_fixtures.h"

namespace strata::eval {
namespace {

using data::test::error_of;
using data::test::made_up_text;
using strata::test::TempFolder;
using strata::test::write_file;

std::vector<data::Source> sources(const std::vector<std::string>& patterns) {
  return data::find_sources(patterns, "--perplexity");
}

TEST(Documents, AreEncodedAsInTrainingInTheirOrder) {
  const TempFolder folder;
  const auto tokenizer = data::test::small_tokenizer();
  const auto first = data::test::made_up_source(folder.path(), "a.jsonl", 0, 50);
  const auto second = data::test::made_up_source(folder.path(), "b.json.gz", 50, 70);
  const std::string large = made_up_text(99, 180'000);  // more than is read ahead
  write_file(folder / "c.txt", large);
  write_file(folder / "d.txt", "Größe\n");
  std::vector<data::Source> all{first, second};
  for (auto& source : sources({folder / "c.txt", folder / "d.txt"})) all.push_back(source);
  std::vector<std::string> texts;
  for (const auto& source : all) {
    data::DocumentReader reader(source, {});
    for (std::string text; reader.next(text);) texts.push_back(text);
  }
  ASSERT_EQ(texts.size(), 72U);
  DocumentStream stream(all, *tokenizer);
  DocumentCounts expected;
  Document document;
  for (const std::string& text : texts) {
    ASSERT_TRUE(stream.next(document));
    EXPECT_EQ(document.ids, tokenizer->encode_document(text));
    EXPECT_EQ(document.bytes, std::ssize(text));
    ++expected.documents;
    expected.scored += std::ssize(document.ids) - 1;
    expected.longest = std::max(expected.longest, std::ssize(document.ids));
  }
  EXPECT_EQ(document.bytes, 8);  // of UTF-8, the line's end among them
  EXPECT_FALSE(stream.next(document));
  const DocumentCounts counts = count_documents(all, *tokenizer);
  EXPECT_EQ(counts.documents, expected.documents);
  EXPECT_EQ(counts.scored, expected.scored);
  EXPECT_EQ(counts.longest, expected.longest);
}

TEST(Documents, FingerprintTellsOtherTextsAndOrdersApart) {
  const TempFolder folder;
  const auto tokenizer = data::test::small_tokenizer();
  const auto of = [&](const std::string& lines) {
    write_file(folder / "a.jsonl", lines);
    return count_documents(sources({folder / "a.jsonl"}), *tokenizer).fingerprint;
  };
  const std::string a = "{\"text\": \"" + made_up_text(1, 5) + "\"}\n",
                    b = "{\"text\": \"" + made_up_text(2, 5) + "\"}\n";
  EXPECT_EQ(of(a + b), of(a + "\n" + b));
  EXPECT_NE(of(a + b), of(b + a));
  EXPECT_NE(of(a + b), of(a));
  EXPECT_NE(of(a + b), of(a + b + b));
}

TEST(Documents, AFileWithNothingToScoreIsNamed) {
  const TempFolder folder;
  const auto tokenizer = data::test::small_tokenizer();
  const auto failure = [&](const std::string& name, const std::string& content) {
    write_file(folder / "good.jsonl", "{\"text\": \"" + made_up_text(1, 5) + "\"}\n");
    write_file(folder / name, content);
    return error_of([&] { count_documents(sources({folder / "good.jsonl", folder / name}), *tokenizer); });
  };
  const std::string path = (folder / "").string();
  EXPECT_EQ(failure("a.jsonl", ""), path + "a.jsonl: there is no document in it");
  EXPECT_EQ(failure("b.txt", ""), path + "b.txt: there is no document in it");
  EXPECT_EQ(failure("c.txt", "\n"), path + "c.txt: nothing to score: no document has a second token");
  EXPECT_EQ(failure("d.jsonl", "{\"text\": \"\"}"), path + "d.jsonl: nothing to score: no document has a second token");
  EXPECT_THAT(failure("e.jsonl", "{\"txt\": \"x\"}"), testing::StartsWith(path + "e.jsonl:1: the field \"text\""));
}

}  // namespace
}  // namespace strata::eval
