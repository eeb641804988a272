#include <xxhash.h>

#include "fuzz/target.h"
#include "strata/base/check.h"
#include "strata/data/token_shard.h"

namespace strata::fuzz {
namespace {

using data::TokenShard;
using data::TokenShardWriter;

// An input is a byte, then a file if the byte is even; else all of a file but its checksum, which is added here.
std::string file_of(std::string_view input) {
  if (input.empty()) return "";
  std::string file(input.substr(1));
  if (input.front() % 2 == 0) return file;
  const uint64_t checksum = XXH3_64bits(file.data(), file.size());
  return file.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
}

void write_again(const TokenShard& shard) {
  TokenShardWriter writer("written", shard.tokenizer_fingerprint(), shard.vocab_size());
  for (int64_t d = 0; d < shard.num_documents(); ++d) {
    const std::vector<int64_t> ids = shard.document(d);
    writer.add(std::vector<int32_t>(ids.begin(), ids.end()));
  }
  writer.commit();
}

std::string written(int64_t vocab_size, const std::vector<std::vector<int32_t>>& documents) {
  TokenShardWriter writer("seed", 77, vocab_size);
  for (const auto& ids : documents) writer.add(ids);
  writer.commit();
  return get_file("seed");
}

}  // namespace

void test_one(std::string_view input) {
  const std::string bytes = file_of(input);
  put_file("read", bytes);
  const TokenShard shard("read");

  int64_t position = 0;
  for (int64_t d = 0; d < shard.num_documents(); ++d) {
    expect(shard.begin(d) == position && !shard.document(d).empty(), "documents lie end to end");
    for (const int64_t id : shard.document(d)) {
      expect(0 <= id && id < shard.vocab_size(), "every id is one of the vocabulary");
      expect(shard.document_at(position++) == d, "every id belongs to its document");
    }
  }
  expect(position == shard.num_tokens(), "every id belongs to a document");

  write_again(shard);
  expect(get_file("written") == bytes, "a shard's content can be written in one way only");
}

std::vector<std::string> seeds() {
  std::vector<std::string> inputs;
  for (const int64_t vocab_size : {100, 65'536, 65'537}) {
    for (const std::string& file :
         {written(vocab_size, {}), written(vocab_size, {{5, 6, 1}, {1}}), written(vocab_size, {{1}, {2}, {3, 1}})}) {
      inputs.push_back('\0' + file);
      inputs.push_back('\1' + file.substr(0, file.size() - sizeof(uint64_t)));
    }
  }
  return inputs;
}

}  // namespace strata::fuzz
