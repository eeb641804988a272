#include "token_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <span>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHeaderNumbers = 256;
constexpr size_t kHeaderBytes = kHeaderNumbers * sizeof(int32_t);
constexpr std::string_view kIndexMagic("MMIDIDX\0\0", 9);

struct LlmC {
  std::string_view tokenizer;
  int32_t magic;
  int32_t version;
  int id_width;
  uint64_t begin_of_document;
};
constexpr std::array kLlmC{LlmC{"GPT-2", 20240520, 1, 2, 50256}, LlmC{"Llama 3", 20240801, 7, 4, 128000}};

// Megatron's types, by their codes.
struct IdType {
  uint8_t code;
  int width;
  bool is_signed;
};
constexpr std::array kIdTypes{IdType{1, 1, false}, IdType{2, 1, true}, IdType{3, 2, true},
                              IdType{4, 4, true},  IdType{5, 8, true}, IdType{8, 2, false}};

template <class Value>
Value read_at(std::string_view bytes, size_t place) {
  Value value;
  std::memcpy(&value, bytes.data() + place, sizeof value);
  return value;
}

const LlmC* llm_c_of(std::string_view bytes) {
  if (bytes.size() < sizeof(int32_t)) return nullptr;
  const auto* const found = std::ranges::find(kLlmC, read_at<int32_t>(bytes, 0), &LlmC::magic);
  return found == kLlmC.end() ? nullptr : found;
}

// The first id that is not below `limit`; the number of ids where there is none.
template <class Id>
size_t first_beyond(std::span<const Id> ids, uint64_t limit) {
  constexpr size_t kBlock = 4096;  // ids, whose greatest is found at once
  if (limit > std::numeric_limits<Id>::max()) return ids.size();
  for (size_t begin = 0; begin < ids.size(); begin += kBlock) {
    const auto block = ids.subspan(begin, std::min(kBlock, ids.size() - begin));
    Id greatest = 0;
    for (const Id id : block) greatest = std::max(greatest, id);
    if (greatest < limit) continue;
    return begin + static_cast<size_t>(std::ranges::find_if(block, [&](Id id) { return id >= limit; }) - block.begin());
  }
  return ids.size();
}

template <class Visitor>
void with_ids(const TokenFile& file, std::string_view bytes, const Visitor& visitor) {
  const std::string_view ids = bytes.substr(file.ids_at);
  const auto visit = [&]<class Id>(Id) {
    visitor(std::span(reinterpret_cast<const Id*>(ids.data()), ids.size() / sizeof(Id)));
  };
  switch (file.id_width) {
    case 1:
      return visit(uint8_t{});
    case 2:
      return visit(uint16_t{});
    case 4:
      return visit(uint32_t{});
    default:
      return visit(uint64_t{});
  }
}

// A negative id is one beyond the greatest of its type.
void check_ids(const fs::path& path, const TokenFile& file, std::string_view bytes, int64_t vocab_size,
               bool is_signed) {
  const uint64_t most = uint64_t{1} << (8 * file.id_width - 1);
  const uint64_t limit = std::min(static_cast<uint64_t>(vocab_size), is_signed ? most : ~uint64_t{0});
  with_ids(file, bytes, [&]<class Id>(std::span<const Id> ids) {
    const size_t at = first_beyond(ids, limit);
    if (at == ids.size()) return;
    const std::string id =
        is_signed ? std::to_string(static_cast<std::make_signed_t<Id>>(ids[at])) : std::to_string(ids[at]);
    throw Error(str(path.string(), ": id number ", at, " is ", id, ", which is none of model.vocab=", vocab_size));
  });
}

TokenFile documents_of_llm_c(const fs::path& path, std::string_view bytes, const LlmC& form) {
  STRATA_CHECK(bytes.size() >= kHeaderBytes, path.string(), ": cut in llm.c's header of ", kHeaderBytes, " bytes");
  const auto version = read_at<int32_t>(bytes, sizeof(int32_t));
  const auto count = read_at<int32_t>(bytes, 2 * sizeof(int32_t));
  STRATA_CHECK(version == form.version, path.string(), ": llm.c's file of ", form.tokenizer, " ids of version ",
               version, ", not ", form.version);
  const auto there = static_cast<int64_t>(bytes.size() - kHeaderBytes);
  STRATA_CHECK(count >= 0 && int64_t{count} * form.id_width == there, path.string(), ": its header counts ", count,
               " ids of ", form.id_width, " bytes, but ", there, " bytes follow");
  TokenFile file{.ids_at = kHeaderBytes, .id_width = form.id_width, .offsets = {}};
  with_ids(file, bytes, [&](const auto& ids) {
    file.offsets.push_back(0);
    for (size_t i = 1; i < ids.size(); ++i) {
      if (ids[i] == form.begin_of_document) file.offsets.push_back(i);
    }
    if (!ids.empty()) file.offsets.push_back(ids.size());
  });
  return file;
}

// Megatron's `.idx`.
class Index {
 public:
  Index(const fs::path& path, std::string_view bytes) : path_(path), bytes_(bytes) {
    check(bytes.size() >= kLengthsAt && bytes.starts_with(kIndexMagic), "is no index of Megatron's");
    const auto version = read_at<uint64_t>(bytes, kIndexMagic.size());
    check(version == 1, str("index of version ", version, ", not 1"));
    const auto code = read_at<uint8_t>(bytes, kCodeAt);
    type_ = std::ranges::find(kIdTypes, code, &IdType::code);
    check(type_ != kIdTypes.end(), str("its ids are of type ", int{code}, ", which is none of 1 to 5 and 8"));
    sequences_ = read_at<uint64_t>(bytes, kCodeAt + 1);
    indices_ = read_at<uint64_t>(bytes, kCodeAt + 9);
    const size_t left = bytes.size() - kLengthsAt;
    constexpr size_t kOfSequence = sizeof(int32_t) + sizeof(int64_t);
    check(sequences_ <= left / kOfSequence && indices_ == (left - sequences_ * kOfSequence) / sizeof(int64_t) &&
              (left - sequences_ * kOfSequence) % sizeof(int64_t) == 0,
          str("counts ", sequences_, " sequences and ", indices_, " documents, and has ", bytes.size(), " bytes"));
  }

  const IdType& type() const { return *type_; }

  /// Where each sequence begins, in ids, and the end of the last; `ids`: bytes of the .bin.
  std::vector<uint64_t> sequences(const fs::path& bin, size_t ids) const {
    std::vector<uint64_t> offsets{0};
    for (uint64_t i = 0; i < sequences_; ++i) {
      const auto length = read_at<int32_t>(bytes_, kLengthsAt + i * sizeof(int32_t));
      const auto place = read_at<int64_t>(bytes_, kLengthsAt + sequences_ * sizeof(int32_t) + i * sizeof(int64_t));
      check(length >= 0, str("sequence ", i, " has ", length, " ids"));
      check(place == static_cast<int64_t>(offsets.back() * static_cast<uint64_t>(type_->width)),
            str("sequence ", i, " lies at byte ", place, ", not behind the one before it"));
      offsets.push_back(offsets.back() + static_cast<uint64_t>(length));
    }
    const uint64_t expected = offsets.back() * static_cast<uint64_t>(type_->width);
    STRATA_CHECK(expected == ids, bin.string(), ": has ", ids, " bytes; ", path_.string(), " describes ", expected);
    return offsets;
  }

  /// Those at which a document begins. Documents without ids are left out.
  std::vector<uint64_t> documents(const std::vector<uint64_t>& sequences) const {
    std::vector<uint64_t> offsets{0};
    uint64_t before = 0;
    for (uint64_t i = 0; i < indices_; ++i) {
      const auto index = read_at<uint64_t>(bytes_, bytes_.size() - (indices_ - i) * sizeof(int64_t));
      check(index <= sequences_ && (i == 0 ? index == 0 : index >= before),
            str("document ", i, " begins with sequence ", static_cast<int64_t>(index)));
      before = index;
      if (offsets.back() < sequences[index]) offsets.push_back(sequences[index]);
    }
    check(indices_ > 0 || sequences_ == 0, "counts no documents");
    if (offsets.back() < sequences.back()) offsets.push_back(sequences.back());
    return offsets;
  }

 private:
  static constexpr size_t kCodeAt = kIndexMagic.size() + sizeof(uint64_t);
  static constexpr size_t kLengthsAt = kCodeAt + 1 + 2 * sizeof(uint64_t);

  void check(bool good, const std::string& problem) const { STRATA_CHECK(good, path_.string(), ": ", problem); }

  const fs::path& path_;
  std::string_view bytes_;
  const IdType* type_ = nullptr;
  uint64_t sequences_ = 0;
  uint64_t indices_ = 0;
};

}  // namespace

fs::path index_of(fs::path path) { return path.replace_extension(".idx"); }

bool has_own_header(std::string_view bytes) { return llm_c_of(bytes) != nullptr; }

bool is_token_file(const fs::path& path) {
  std::error_code failure;
  if (fs::exists(index_of(path), failure)) return true;
  std::string head(sizeof(int32_t), '\0');
  return std::ifstream(path, std::ios::binary).read(head.data(), std::ssize(head)) && has_own_header(head);
}

TokenFile read_llm_c(const fs::path& path, std::string_view bytes, int64_t vocab_size) {
  const LlmC* const form = llm_c_of(bytes);
  STRATA_CHECK(form != nullptr, path.string(),
               ": holds no ids that are known: it has no header of llm.c's, and there is no ",
               index_of(path).filename().string(), " of Megatron's beside it");
  TokenFile file = documents_of_llm_c(path, bytes, *form);
  check_ids(path, file, bytes, vocab_size, false);
  return file;
}

TokenFile read_megatron(const fs::path& path, std::string_view bytes, std::string_view index_bytes,
                        int64_t vocab_size) {
  const fs::path index_path = index_of(path);
  const Index index(index_path, index_bytes);
  TokenFile file{.ids_at = 0, .id_width = index.type().width, .offsets = {}};
  file.offsets = index.documents(index.sequences(path, bytes.size()));
  check_ids(path, file, bytes, vocab_size, index.type().is_signed);
  return file;
}

TokenFile read_token_file(const fs::path& path, std::string_view bytes, int64_t vocab_size) {
  if (!fs::exists(index_of(path))) return read_llm_c(path, bytes, vocab_size);
  const io::MappedFile index(index_of(path));
  return read_megatron(path, bytes, index.view(), vocab_size);
}

}  // namespace strata::data
