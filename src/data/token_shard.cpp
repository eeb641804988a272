#include "strata/data/token_shard.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "strata/base/check.h"
#include "token_file.h"

namespace strata::data {
namespace {

static_assert(std::endian::native == std::endian::little, "token shards are mapped as they are");

constexpr char kMagic[8] = {'S', 'T', 'R', 'A', 'T', 'O', 'K', 'S'};
constexpr uint32_t kVersion = 1;
constexpr uint64_t kAlignment = sizeof(uint64_t);

struct Head {
  char magic[8];
  uint32_t version;
  uint32_t id_width;
};

struct Tail {
  uint64_t fingerprint;
  uint64_t vocab_size;
  uint64_t documents;
  uint64_t ids;
  uint64_t checksum;
};

template <class Value>
std::string_view bytes_of(std::span<const Value> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

uint32_t width_for(int64_t vocab_size) { return vocab_size <= 1 << 16 ? 2 : 4; }

uint64_t padding_after(uint64_t bytes) { return (kAlignment - bytes % kAlignment) % kAlignment; }

template <class Id>
Id greatest(const char* ids, uint64_t count) {
  const auto* const first = reinterpret_cast<const Id*>(ids);
  return std::accumulate(first, first + count, Id{0}, [](Id a, Id b) { return std::max(a, b); });
}

}  // namespace

struct TokenShardWriter::Hash {
  Hash() { XXH3_64bits_reset(state.get()); }
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state{XXH3_createState(), XXH3_freeState};
};

TokenShardWriter::TokenShardWriter(const std::filesystem::path& path, uint64_t tokenizer_fingerprint,
                                   int64_t vocab_size)
    : file_(path), hash_(std::make_unique<Hash>()), fingerprint_(tokenizer_fingerprint), vocab_size_(vocab_size) {
  Head head{.magic = {}, .version = kVersion, .id_width = width_for(vocab_size)};
  std::ranges::copy(kMagic, head.magic);
  write(bytes_of(std::span<const Head>(&head, 1)));
}

TokenShardWriter::~TokenShardWriter() = default;

void TokenShardWriter::write(std::string_view bytes) {
  constexpr size_t kBuffer = 1 << 20;
  buffer_.append(bytes);
  if (buffer_.size() >= kBuffer) flush();
}

void TokenShardWriter::flush() {
  XXH3_64bits_update(hash_->state.get(), buffer_.data(), buffer_.size());
  file_.write(buffer_);
  buffer_.clear();
}

void TokenShardWriter::add(std::span<const int32_t> ids) {
  STRATA_ASSERT(!ids.empty() && std::ranges::all_of(ids, [&](int32_t id) { return 0 <= id && id < vocab_size_; }));
  offsets_.push_back(offsets_.back() + ids.size());
  if (width_for(vocab_size_) == sizeof(uint16_t)) {
    const std::vector<uint16_t> narrow(ids.begin(), ids.end());
    write(bytes_of(std::span<const uint16_t>(narrow)));
  } else {
    write(bytes_of(ids));
  }
}

void TokenShardWriter::commit() {
  write(std::string(padding_after(offsets_.back() * width_for(vocab_size_)), '\0'));
  write(bytes_of(std::span<const uint64_t>(offsets_)));
  Tail tail{.fingerprint = fingerprint_,
            .vocab_size = static_cast<uint64_t>(vocab_size_),
            .documents = offsets_.size() - 1,
            .ids = offsets_.back(),
            .checksum = 0};
  const std::span<const Tail> view(&tail, 1);
  write(bytes_of(view).substr(0, offsetof(Tail, checksum)));
  flush();
  tail.checksum = XXH3_64bits_digest(hash_->state.get());
  write(bytes_of(view).substr(offsetof(Tail, checksum)));
  flush();
  file_.commit();
}

TokenShard::TokenShard(const std::filesystem::path& path) : file_(path) {
  const std::string_view bytes = file_.view();
  const auto check = [&](bool good, const std::string& problem) {
    STRATA_CHECK(good, path.string(), ": ", problem, "; delete it and it is made again");
  };
  check(bytes.size() >= sizeof(Head) + sizeof(Tail) && bytes.starts_with({kMagic, sizeof kMagic}), "not a token shard");
  Head head;
  Tail tail;
  std::memcpy(&head, bytes.data(), sizeof head);
  std::memcpy(&tail, bytes.data() + bytes.size() - sizeof tail, sizeof tail);
  check(head.version == kVersion, str("token shard of version ", head.version, ", not ", kVersion));
  check(tail.checksum == XXH3_64bits(bytes.data(), bytes.size() - sizeof tail.checksum),
        "cut or damaged (its checksum does not match)");

  // Past the checksum only a faulty writer can be wrong, but nothing is read on trust.
  const std::string contradiction = "its fields contradict each other";
  check(0 < tail.vocab_size && tail.vocab_size <= std::numeric_limits<int32_t>::max(), contradiction);
  check(head.id_width == width_for(static_cast<int64_t>(tail.vocab_size)), contradiction);
  check(tail.ids < bytes.size() && tail.documents < bytes.size(), contradiction);  // no overflow below
  const uint64_t id_bytes = tail.ids * head.id_width;
  const uint64_t offsets_at = sizeof(Head) + id_bytes + padding_after(id_bytes);
  check(bytes.size() == offsets_at + (tail.documents + 1) * sizeof(uint64_t) + sizeof(Tail), contradiction);
  offsets_ = {reinterpret_cast<const uint64_t*>(bytes.data() + offsets_at), tail.documents + 1};
  check(offsets_.front() == 0 && offsets_.back() == tail.ids, contradiction);
  check(std::ranges::is_sorted(offsets_, std::less_equal<>()), contradiction);
  const std::string_view padding = bytes.substr(sizeof(Head) + id_bytes, padding_after(id_bytes));
  check(padding.find_first_not_of('\0') == std::string_view::npos, contradiction);

  ids_ = bytes.data() + sizeof(Head);
  id_width_ = static_cast<int>(head.id_width);
  fingerprint_ = tail.fingerprint;
  vocab_size_ = static_cast<int64_t>(tail.vocab_size);
  const bool is_wide = head.id_width == sizeof(uint32_t);
  check((is_wide ? greatest<uint32_t>(ids_, tail.ids) : greatest<uint16_t>(ids_, tail.ids)) < tail.vocab_size,
        str("an id beyond its vocabulary of ", vocab_size_));
}

TokenShard::TokenShard(const std::filesystem::path& path, int64_t vocab_size) : file_(path), vocab_size_(vocab_size) {
  TokenFile layout = read_token_file(path, file_.view(), vocab_size);
  ids_ = file_.data() + layout.ids_at;
  id_width_ = layout.id_width;
  found_offsets_ = std::move(layout.offsets);
  offsets_ = found_offsets_;
}

uint64_t TokenShard::checksum_of(const std::filesystem::path& path) {
  const io::MappedFile file(path);
  const std::string_view bytes = file.view();
  uint64_t checksum = 0;
  STRATA_CHECK(bytes.size() >= sizeof(checksum), path.string(), ": truncated");
  std::memcpy(&checksum, bytes.data() + bytes.size() - sizeof(checksum), sizeof(checksum));
  return checksum;
}

int64_t TokenShard::document_at(int64_t position) const {
  STRATA_ASSERT(0 <= position && position < num_tokens());
  return std::ranges::upper_bound(offsets_, static_cast<uint64_t>(position)) - offsets_.begin() - 1;
}

std::vector<int64_t> TokenShard::ids(int64_t begin, int64_t end) const {
  STRATA_ASSERT(0 <= begin && begin <= end && end <= num_tokens());
  std::vector<int64_t> copy(static_cast<size_t>(end - begin));
  const auto read = [&]<class Id>(Id) {
    std::copy_n(reinterpret_cast<const Id*>(ids_) + begin, end - begin, copy.begin());
  };
  switch (id_width_) {
    case 1:
      read(uint8_t{});
      break;
    case 2:
      read(uint16_t{});
      break;
    case 4:
      read(uint32_t{});
      break;
    default:
      read(int64_t{});
  }
  return copy;
}

}  // namespace strata::data
