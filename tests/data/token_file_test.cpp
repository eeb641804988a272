// Files of ids that llm.c and Megatron wrote, read where they lie.
#include <cstring>
#include <numeric>

#include "strata/base/check.h"
#include "strata/data/shard_cache.h"
#include "strata/data/source.h"
#include "support/bad_server.h"
#include "support/data_fixtures.h"
#include "support/token_files.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;
using strata::test::llm_c_file;
using strata::test::megatron_index;
using strata::test::read_file;
using strata::test::TempFolder;
using strata::test::write_file;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kGpt2 = 50257;
constexpr int64_t kLlama3 = 128256;

using Ids = std::vector<int64_t>;

std::vector<Ids> documents_of(const TokenShard& shard) {
  std::vector<Ids> documents;
  for (int64_t d = 0; d < shard.num_documents(); ++d) documents.push_back(shard.document(d));
  return documents;
}

class TokenFiles : public testing::Test {
 protected:
  std::vector<Ids> read(const std::string& content, int64_t vocab_size) {
    write_file(bin_, content);
    return documents_of(TokenShard(bin_, vocab_size));
  }
  std::vector<Ids> read(const std::string& content, const std::string& index, int64_t vocab_size) {
    write_file(index_, index);
    return read(content, vocab_size);
  }
  std::string error(const std::string& content, int64_t vocab_size) {
    return error_of([&] { read(content, vocab_size); });
  }
  std::string error(const std::string& content, const std::string& index, int64_t vocab_size = 100) {
    return error_of([&] { read(content, index, vocab_size); });
  }

  TempFolder folder_;
  fs::path bin_ = folder_ / "x.bin";
  fs::path index_ = folder_ / "x.idx";
};

TEST_F(TokenFiles, OfLlmCBeginTheirDocumentsWithTheDelimiter) {
  EXPECT_THAT(read(llm_c_file<uint16_t>({50256, 5, 6, 50256, 7, 50256, 50256, 8}), kGpt2),
              ElementsAre(Ids{50256, 5, 6}, Ids{50256, 7}, Ids{50256}, Ids{50256, 8}));
  EXPECT_THAT(read(llm_c_file<uint16_t>({5, 6, 50256, 65535}), 1 << 16), ElementsAre(Ids{5, 6}, Ids{50256, 65535}));
  EXPECT_THAT(read(llm_c_file<uint32_t>({128000, 128255, 50256, 128000, 7}), kLlama3),
              ElementsAre(Ids{128000, 128255, 50256}, Ids{128000, 7}));
  EXPECT_TRUE(read(llm_c_file<uint16_t>({}), kGpt2).empty());
  const TokenShard shard(bin_, kGpt2);
  EXPECT_EQ(shard.counts(), (ShardCounts{.documents = 0, .tokens = 0, .bytes = 1024}));
}

TEST_F(TokenFiles, OfLlmCSayWhatIsWrong) {
  const std::string good = llm_c_file<uint16_t>({50256, 1, 2, 3});
  EXPECT_EQ(error(good.substr(0, good.size() - 2), kGpt2),
            str(bin_.string(), ": its header counts 4 ids of 2 bytes, but 6 bytes follow"));
  EXPECT_THAT(error(good + "x", kGpt2), HasSubstr("counts 4 ids of 2 bytes, but 9 bytes follow"));
  EXPECT_THAT(error(good.substr(0, 1023), kGpt2), HasSubstr("x.bin: cut in llm.c's header of 1024 bytes"));
  EXPECT_EQ(error(good, 50256), str(bin_.string(), ": id number 0 is 50256, which is none of model.vocab=50256"));
  EXPECT_THAT(error(llm_c_file<uint32_t>({128000, 128256}), kLlama3),
              HasSubstr("id number 1 is 128256, which is none"));
  for (const auto& [place, number, problem] :
       std::vector<std::tuple<size_t, int32_t, const char*>>{{0, 20240521, "holds no ids that are known"},
                                                             {1, 2, "GPT-2 ids of version 2, not 1"},
                                                             {2, -1, "counts -1 ids"},
                                                             {2, 5, "counts 5 ids"}}) {
    std::string bad = good;
    std::memcpy(bad.data() + 4 * place, &number, sizeof number);
    EXPECT_THAT(error(bad, kGpt2), HasSubstr(problem));
  }
  EXPECT_THAT(error("", kGpt2), HasSubstr("there is no x.idx of Megatron's beside it"));
  EXPECT_THAT(error_of([&] { TokenShard(folder_ / "none.bin", kGpt2); }), HasSubstr("none.bin"));
}

// An id far inside is found as well as one at the end.
TEST_F(TokenFiles, EveryIdIsChecked) {
  std::vector<uint16_t> ids(20'000);
  std::iota(ids.begin(), ids.end(), uint16_t{0});
  EXPECT_EQ(read(llm_c_file(ids), 20'000).size(), 1U);
  for (const size_t at : {size_t{0}, size_t{4095}, size_t{4096}, size_t{12'345}, ids.size() - 1}) {
    std::vector<uint16_t> bad = ids;
    bad[at] = 20'000;
    EXPECT_THAT(error(llm_c_file(bad), 20'000), HasSubstr(str("id number ", at, " is 20000"))) << at;
  }
}

template <class Id>
std::string bytes_of(const std::vector<Id>& ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(Id)};
}

TEST_F(TokenFiles, OfMegatronHaveTheDocumentsOfTheIndex) {
  const std::string ids = bytes_of<uint16_t>({1, 2, 3, 4, 5, 65'000});
  EXPECT_THAT(read(ids, megatron_index(8, 2, {2, 1, 3}, {0, 1, 2, 3}), 1 << 16),
              ElementsAre(Ids{1, 2}, Ids{3}, Ids{4, 5, 65'000}));
  // Several sequences a document, one without ids, and an index without the end.
  EXPECT_THAT(read(ids, megatron_index(8, 2, {2, 1, 3}, {0, 2, 3}), 1 << 16),
              ElementsAre(Ids{1, 2, 3}, Ids{4, 5, 65'000}));
  EXPECT_THAT(read(ids, megatron_index(8, 2, {2, 0, 1, 3}, {0, 1, 2, 3, 4}), 1 << 16),
              ElementsAre(Ids{1, 2}, Ids{3}, Ids{4, 5, 65'000}));
  EXPECT_THAT(read(ids, megatron_index(8, 2, {2, 1, 3}, {0}), 1 << 16), ElementsAre(Ids{1, 2, 3, 4, 5, 65'000}));
  EXPECT_THAT(read(bytes_of<uint8_t>({7, 255}), megatron_index(1, 1, {2}, {0, 1}), 256), ElementsAre(Ids{7, 255}));
  EXPECT_THAT(read(bytes_of<int8_t>({7, 127}), megatron_index(2, 1, {2}, {0, 1}), 256), ElementsAre(Ids{7, 127}));
  EXPECT_THAT(read(bytes_of<int16_t>({7, 32'767}), megatron_index(3, 2, {2}, {0, 1}), 1 << 16),
              ElementsAre(Ids{7, 32'767}));
  EXPECT_THAT(read(bytes_of<int32_t>({7, 100'000}), megatron_index(4, 4, {2}, {0, 1}), 1 << 20),
              ElementsAre(Ids{7, 100'000}));
  EXPECT_THAT(read(bytes_of<int64_t>({7, 100'000}), megatron_index(5, 8, {2}, {0, 1}), 1 << 20),
              ElementsAre(Ids{7, 100'000}));
  EXPECT_TRUE(read("", megatron_index(8, 2, {}, {0}), 100).empty());
}

TEST_F(TokenFiles, OfMegatronSayWhatIsWrong) {
  const std::string ids = bytes_of<uint16_t>({1, 2, 3});
  const std::string good = megatron_index(8, 2, {1, 2}, {0, 1, 2});
  EXPECT_EQ(error(ids, good), "no error");
  EXPECT_EQ(error(ids.substr(2), good), str(bin_.string(), ": has 4 bytes; ", index_.string(), " describes 6"));
  EXPECT_THAT(error(ids + "xx", good), HasSubstr("x.bin: has 8 bytes"));
  EXPECT_THAT(error(ids, megatron_index(7, 2, {1, 2}, {0, 1, 2})),
              HasSubstr("x.idx: its ids are of type 7, which is none of"));
  EXPECT_THAT(error(ids, megatron_index(0, 2, {1, 2}, {0, 1, 2})), HasSubstr("of type 0"));
  EXPECT_THAT(error(ids, megatron_index(9, 2, {1, 2}, {0, 1, 2})), HasSubstr("of type 9"));
  EXPECT_THAT(error(ids, megatron_index(8, 4, {1, 2}, {0, 1, 2})), HasSubstr("sequence 1 lies at byte 4, not behind"));
  EXPECT_THAT(error(ids, megatron_index(8, 2, {1, -2}, {0, 1, 2})), HasSubstr("sequence 1 has -2 ids"));
  EXPECT_THAT(error(ids, megatron_index(8, 2, {1, 2}, {1, 2})), HasSubstr("document 0 begins with sequence 1"));
  EXPECT_THAT(error(ids, megatron_index(8, 2, {1, 2}, {0, 2, 1})), HasSubstr("document 2 begins with sequence 1"));
  EXPECT_THAT(error(ids, megatron_index(8, 2, {1, 2}, {0, 3})), HasSubstr("document 1 begins with sequence 3"));
  EXPECT_THAT(error(ids, megatron_index(8, 2, {1, 2}, {0, -1})), HasSubstr("document 1 begins with sequence -1"));
  EXPECT_THAT(error(ids, megatron_index(8, 2, {1, 2}, {})), HasSubstr("counts no documents"));
  for (const size_t size : {size_t{0}, size_t{8}, size_t{33}}) {
    EXPECT_THAT(error(ids, good.substr(0, size)), HasSubstr("x.idx: is no index of Megatron's")) << size;
  }
  for (const size_t size : {size_t{34}, good.size() - 8, good.size() - 1}) {
    EXPECT_THAT(error(ids, good.substr(0, size)), HasSubstr("counts 2 sequences and 3 documents, and has")) << size;
  }
  std::string other = good;
  other[9] = 2;
  EXPECT_THAT(error(ids, other), HasSubstr("x.idx: index of version 2, not 1"));
  std::string huge = good;
  for (size_t i = 18; i < 26; ++i) huge[i] = '\xff';
  EXPECT_THAT(error(ids, huge), HasSubstr("counts 18446744073709551615 sequences"));
  EXPECT_EQ(error(ids, good, 3), str(bin_.string(), ": id number 2 is 3, which is none of model.vocab=3"));
  EXPECT_THAT(error(bytes_of<int16_t>({1, 2, -3}), megatron_index(3, 2, {3}, {0, 1}), 1 << 17),
              HasSubstr("number 2 is -3"));
  EXPECT_THAT(error(bytes_of<int64_t>({-1}), megatron_index(5, 8, {1}, {0, 1}), 1 << 17), HasSubstr("number 0 is -1"));
}

std::vector<std::string> names_of(const std::vector<Source>& sources) {
  std::vector<std::string> names;
  for (const Source& source : sources) names.push_back(source.name);
  return names;
}

TEST_F(TokenFiles, AreFoundOnceWithTheirIndex) {
  write_file(bin_, bytes_of<uint16_t>({1}));
  write_file(index_, megatron_index(8, 2, {1}, {0, 1}));
  write_file(folder_ / "y.bin", llm_c_file<uint16_t>({1}));
  write_file(folder_ / "z.bin", "weights of something");
  const auto named = [&](const std::string& pattern) {
    return names_of(find_sources({folder_ / pattern}, "data.train"));
  };
  EXPECT_THAT(named("x.bin"), ElementsAre("x.bin"));
  EXPECT_THAT(named("x.idx"), ElementsAre("x.bin"));
  EXPECT_THAT(named("x.*"), ElementsAre("x.bin"));
  testing::internal::CaptureStderr();
  EXPECT_THAT(named(""), ElementsAre("x.bin", "y.bin"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("passed over 1 file that is none of"));
  EXPECT_THAT(named("*.bin"), ElementsAre("x.bin", "y.bin", "z.bin"));  // named, so it has to be one
}

TEST_F(TokenFiles, AreShardsWithoutATokenizer) {
  write_file(bin_, llm_c_file<uint16_t>({50256, 1, 2, 50256, 3}));
  const Source source = find_sources({bin_.string()}, "data.train").front();
  EXPECT_TRUE(source.holds_tokens());
  const auto cache = std::make_shared<const ShardCache>(folder_ / "cache", nullptr, TokenizeOptions{}, kGpt2);
  EXPECT_EQ(cache->path_of(source), bin_);
  ShardSet shards({source}, cache, {0});
  EXPECT_EQ(shards.at(0)->num_documents(), 2);
  EXPECT_EQ(shards.counts(0).tokens, 5);
  const uint64_t before = fingerprint_of_tokens(*cache, {source});
  write_file(bin_, llm_c_file<uint16_t>({50256, 1, 2, 50256, 4}));
  EXPECT_NE(fingerprint_of_tokens(*cache, {source}), before);
  fs::remove(bin_);
  EXPECT_THAT(error_of([&] { cache->make(source); }), HasSubstr("x.bin: it is gone"));
  write_file(folder_ / "a.jsonl", "{\"text\": \"x\"}");
  EXPECT_THAT(error_of([&] { cache->make(find_sources({folder_ / "a.jsonl"}, "k").front()); }),
              HasSubstr("a.jsonl: is text, and data.tokenizer names no tokenizer"));
  write_file(bin_, "");
  EXPECT_THAT(error_of([&] {
                std::string text;
                DocumentReader(source, {}).next(text);
              }),
              HasSubstr("x.bin: holds ids, not text"));
}

TEST_F(TokenFiles, OfAServerComeWithTheirIndex) {
  fs::create_directory(folder_ / "root");
  write_file(folder_ / "root/m.bin", bytes_of<uint16_t>({1, 2, 3}));
  write_file(folder_ / "root/m.idx", megatron_index(8, 2, {1, 2}, {0, 1, 2}));
  write_file(folder_ / "root/l.bin", llm_c_file<uint16_t>({50256, 1}));
  write_file(folder_ / "root/n.bin", "nothing");
  const strata::test::BadServer server(folder_ / "root");
  const auto sources = find_sources(
      {server.url("cut", "m.bin"), server.url("good", "l.bin"), server.url("good", "n.bin")}, "data.train");
  const ShardCache cache(folder_ / "cache", nullptr, {}, kGpt2);
  for (const Source& source : {sources[0], sources[1]}) {
    EXPECT_EQ(cache.make_or_wait(source), ShardCache::Outcome::kMade);
    EXPECT_EQ(cache.make_or_wait(source), ShardCache::Outcome::kThere);
  }
  EXPECT_THAT(documents_of(*cache.open(sources[0])), ElementsAre(Ids{1}, Ids{2, 3}));
  EXPECT_THAT(documents_of(*cache.open(sources[1])), ElementsAre(Ids{50256, 1}));
  EXPECT_THAT(error_of([&] { cache.make(sources[2]); }), HasSubstr("/good/n.idx: the server answered 404"));
  EXPECT_TRUE(fs::is_empty(folder_ / "cache/downloads"));
  cache.evict(sources[0], cache.open(sources[0])->counts());
  EXPECT_FALSE(fs::exists(cache.path_of(sources[0])));
  EXPECT_EQ(cache.counts_left_by(sources[0])->tokens, 3);
  EXPECT_EQ(cache.make_or_wait(sources[0]), ShardCache::Outcome::kMade);
}

}  // namespace
}  // namespace strata::data
