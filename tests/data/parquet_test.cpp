// Parquet files, as pyarrow writes them, by libstrata_parquet.so.
#include "strata/io/parquet.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/data/source.h"
#include "strata/data/tokenize.h"
#include "support/data_fixtures.h"
#include "support/places.h"
#include "support/program.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;
using strata::test::read_file;
using strata::test::run_program;
using strata::test::TempFolder;
using strata::test::write_file;
using test::error_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kNoPyarrow = 77;

std::vector<std::string> made_up_texts() {
  std::vector<std::string> texts;
  for (int number = 0; number < 200; ++number) texts.push_back(test::made_up_text(number, number % 60));
  texts[7] = "\"quoted\",\r\n\u00e9\u4e2d";
  return texts;
}

class Parquet : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    texts_ = made_up_texts();
    folder_ = std::make_unique<TempFolder>();
    write_file(*folder_ / "texts.json", nlohmann::json(texts_).dump());
    const auto made = run_program({strata::test::torch_python(),
                                   strata::test::source_folder() / "tests/support/parquet_files.py", folder_->path()});
    lacks_ = io::missing_for_parquet();
    if (made.exit_code == kNoPyarrow) lacks_ = made.out;
    if (lacks_.empty() && made.exit_code != 0) throw Error(made.err);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  void SetUp() override {
    if (!lacks_.empty()) GTEST_SKIP() << "NOT TESTED: " << lacks_;
  }

  static Source file(const std::string& name) { return {name + ".parquet", {*folder_ / (name + ".parquet")}}; }

  static std::vector<std::string> read(const std::string& name, const ReadOptions& options = {}, int threads = 1) {
    DocumentReader reader(file(name), options, threads);
    std::vector<std::string> documents;
    for (std::string text; reader.next(text);) documents.push_back(text);
    return documents;
  }

  static std::string error(const std::string& name, const ReadOptions& options = {}) {
    return error_of([&] { read(name, options); });
  }

  static inline std::vector<std::string> texts_;
  static inline std::unique_ptr<TempFolder> folder_;
  static inline std::string lacks_;
};

TEST_F(Parquet, IsReadWhateverItsCodecEncodingAndType) {
  for (const char* name :
       {"texts", "codec_none", "codec_snappy", "codec_gzip", "codec_brotli", "codec_lz4", "codec_zstd", "version_2",
        "plain", "delta", "delta_length", "wide", "bytes", "fallback", "required"}) {
    EXPECT_TRUE(read(name) == texts_) << name;
    EXPECT_TRUE(read(name, {}, 3) == texts_) << name << " ahead";
  }
  const auto repeated = read("dictionary");
  ASSERT_EQ(repeated.size(), 2'000U);
  for (size_t i = 0; i < repeated.size(); ++i) EXPECT_EQ(repeated[i], texts_[i % 5]);
  EXPECT_THAT(read("categories", {.skip_bad = true}), ElementsAre("a", "b", "a", "a"));
}

TEST_F(Parquet, ColumnsMayLieInStructs) {
  EXPECT_TRUE(read("nested", {.field = "meta.text"}) == texts_);
  EXPECT_EQ(read("dotted", {.field = "meta.text"}), std::vector<std::string>(texts_.size(), "own"));
  EXPECT_THAT(read("deep", {.field = "top.a.b", .skip_bad = true}), ElementsAre("one", "two"));
}

// Whatever the file is, the same text is the same ids, by any number of threads.
TEST_F(Parquet, HasTheIdsOfTheSameJsonLines) {
  std::string json;
  for (const std::string& text : texts_) json += nlohmann::json{{"text", text}}.dump() + "\n";
  write_file(*folder_ / "a.jsonl", json);
  const auto shard_of = [&](const Source& source, int threads) {
    tokenize(source, *test::small_tokenizer(), {.threads = threads}, *folder_ / "shard");
    return read_file(*folder_ / "shard");
  };
  const std::string expected = shard_of({"a.jsonl", {*folder_ / "a.jsonl"}}, 1);
  EXPECT_GT(expected.size(), 5'000U);
  for (const int threads : {1, 2, 5}) EXPECT_TRUE(shard_of(file("texts"), threads) == expected) << threads;
  EXPECT_TRUE(shard_of(file("version_2"), 2) == expected);
}

TEST_F(Parquet, AFileWithoutRowsHasNoDocuments) {
  EXPECT_THAT(read("no_rows"), ElementsAre());
  EXPECT_THAT(read("no_groups"), ElementsAre());
}

TEST_F(Parquet, BadRowsAreNamedOrSkipped) {
  EXPECT_THAT(error("nulls"), HasSubstr("nulls.parquet: row 2: the column \"text\" has no value (data.skip_bad"));
  EXPECT_THAT(error("deep", {.field = "top.a.b"}),
              HasSubstr("deep.parquet: row 2: the column \"top.a.b\" has no value"));
  DocumentReader reader(file("nulls"), {.skip_bad = true});
  std::vector<std::string> documents;
  for (std::string text; reader.next(text);) documents.push_back(text);
  EXPECT_THAT(documents, ElementsAre("one", "three", "six"));
  EXPECT_EQ(reader.bad_documents(), 3);
  EXPECT_THAT(error("odd"), HasSubstr("odd.parquet: row 2: not UTF-8"));
  EXPECT_THAT(error("odd", {.longest_document = 3}),
              HasSubstr("odd.parquet: row 1: the document is longer than 3 bytes"));
  EXPECT_THAT(read("odd", {.skip_bad = true, .longest_document = 39}), ElementsAre("fine", ""));
}

TEST_F(Parquet, ADamagedRowGroupIsRefusedOrSkippedAlone) {
  std::vector<std::string> expected(texts_.begin(), texts_.begin() + 15);
  expected.insert(expected.end(), texts_.begin() + 30, texts_.begin() + 40);
  for (const int threads : {1, 3}) {
    EXPECT_THAT(error_of([&] { read("damaged", {}, threads); }), HasSubstr("damaged.parquet: row 16: "));
    DocumentReader reader(file("damaged"), {.skip_bad = true}, threads);
    testing::internal::CaptureStderr();
    std::vector<std::string> documents;
    for (std::string text; reader.next(text);) documents.push_back(text);
    EXPECT_EQ(documents, expected);
    EXPECT_EQ(reader.bad_documents(), 15);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("; from there on the row group is skipped"));
  }
}

TEST_F(Parquet, AColumnThatHoldsNoTextIsRefused) {
  const std::string advice = "; texts are in struct.a, content (data.field names the one to read)";
  EXPECT_EQ(error("types"), str((*folder_ / "types.parquet").string(), ": has no column \"text\"", advice));
  for (const auto& [column, type] : std::vector<std::pair<std::string, std::string>>{{"whole", "INT64"},
                                                                                     {"real", "DOUBLE"},
                                                                                     {"yes", "BOOLEAN"},
                                                                                     {"tags", "a list"},
                                                                                     {"tags.list.element", "a list"},
                                                                                     {"struct", "a struct"},
                                                                                     {"struct.b", "INT64"},
                                                                                     {"money", "Decimal"},
                                                                                     {"fixed", "FIXED_LEN_BYTE_ARRAY"},
                                                                                     {"when", "Timestamp"},
                                                                                     {"map", "a list"},
                                                                                     {"nothing", "Null"}}) {
    EXPECT_THAT(error("types", {.field = column}),
                AllOf(HasSubstr("the column \"" + column + "\" is " + type), HasSubstr(advice)))
        << column;
  }
  EXPECT_THAT(error("twice"), HasSubstr("twice.parquet: the column \"text\" is there twice"));
  EXPECT_THAT(error("no_columns"), HasSubstr("has no column \"text\""));
}

TEST_F(Parquet, WhatIsNoParquetIsRefusedInOneLine) {
  const auto refused = [&](const std::string& content) {
    write_file(*folder_ / "bad.parquet", content);
    const std::string message = error("bad");
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_THAT(message, HasSubstr("bad.parquet: "));
    return message;
  };
  EXPECT_THAT(refused(""), HasSubstr("0 bytes"));
  EXPECT_THAT(refused("PAR1"), HasSubstr("smaller than the minimum"));
  EXPECT_THAT(refused("{\"text\": \"a JSON line\"}\n"), HasSubstr("magic bytes not found"));
  EXPECT_THAT(refused("PAR1" + std::string(20, '\0') + "PAR1"), HasSubstr("bad.parquet"));
  EXPECT_THAT(error("none"), HasSubstr("none.parquet"));
  const std::string whole = read_file(*folder_ / "small.parquet");
  for (size_t size = 0; size < whole.size(); size += 1 + size / 20) refused(whole.substr(0, size));
}

// A damaged file is refused or gives texts; nothing else happens.
TEST_F(Parquet, DamageAnywhereIsSurvived) {
  const std::string whole = read_file(*folder_ / "small.parquet");
  const std::vector<std::string> expected(texts_.begin(), texts_.begin() + 40);
  int refused = 0, tried = 0;
  for (size_t at = 0; at < whole.size(); at += 13) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    write_file(*folder_ / "bad.parquet", damaged);
    ++tried;
    refused += error("bad") == "no error" ? 0 : 1;
  }
  EXPECT_GT(2 * refused, tried);  // pages have checksums
}

TEST_F(Parquet, TokenizeSaysHowManyAreSkipped) {
  const auto done =
      run_program({strata::test::strata_program(), "tokenize", "--tokenizer", test::small_model(), "--cache",
                   *folder_ / "cache", "--skip-bad", "--threads", "2", *folder_ / "damaged.parquet"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("25 documents (15 more skipped), "));
}

// A library without the module beside it says how to get it.
TEST(ParquetModule, IsAskedForInOneLineWhereItIsMissing) {
  const TempFolder folder;
  const fs::path library = strata::test::strata_program().parent_path() / "libstrata.so.0";
  ASSERT_TRUE(fs::exists(library));
  fs::create_symlink(library, folder / "libstrata.so.0");
  write_file(folder / "a.parquet", "PAR1");
  const auto done =
      run_program({"/usr/bin/env", "LD_LIBRARY_PATH=" + folder.path().string(), strata::test::strata_program(),
                   "tokenize", "--tokenizer", test::small_model(), "--cache", folder / "cache", folder / "a.parquet"});
  EXPECT_EQ(done.exit_code, strata::test::kFailed);
  EXPECT_EQ(done.err,
            str("error: ", (folder / "a.parquet").string(), ": parquet cannot be read: there is no ",
                (folder / "libstrata_parquet.so").string(),
                "; scripts/install.sh --parquet && scripts/build.sh builds it (CMake says \"parquet: on\")\n"));
  for (const auto& entry : fs::directory_iterator(folder / "cache")) EXPECT_NE(entry.path().extension(), ".tokens");
}

}  // namespace
}  // namespace strata::data
