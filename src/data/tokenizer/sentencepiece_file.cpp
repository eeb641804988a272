// The file is a protocol buffer, sentencepiece_model.proto; Debian has no header for it. Field numbers are from there.
#include "data/tokenizer/sentencepiece_file.h"

#include <cstdint>
#include <cstring>
#include <functional>

#include "strata/base/check.h"

namespace strata::data {
namespace {

enum Wire : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// A field's content: its bytes, or the number that it is.
struct Field {
  uint64_t number = 0;  // which field
  uint64_t value = 0;
  std::string_view bytes = {};
};

class Message {
 public:
  Message(std::string_view bytes, const std::string& path) : rest_(bytes), path_(path) {}

  void each(const std::function<void(const Field&)>& take) {
    while (!rest_.empty()) {
      const uint64_t tag = varint();
      Field field{.number = tag >> 3};
      switch (tag & 7) {
        case kVarint:
          field.value = varint();
          break;
        case kFixed64:
          field.bytes = bytes(8);
          break;
        case kBytes:
          field.bytes = bytes(varint());
          break;
        case kFixed32:
          field.bytes = bytes(4);
          break;
        default:
          fail();
      }
      take(field);
    }
  }

 private:
  [[noreturn]] void fail() const { throw Error(path_ + ": not a sentencepiece model"); }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes(1).front());
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }

  std::string_view bytes(uint64_t count) {
    if (count > rest_.size()) fail();
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  const std::string& path_;
};

using Piece = SentencepieceFile::Piece;

Piece read_piece(std::string_view bytes, const std::string& path) {
  Piece piece;
  Message(bytes, path).each([&](const Field& field) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2 && field.bytes.size() == sizeof(float)) {
      std::memcpy(&piece.score, field.bytes.data(), sizeof(float));
    }
    if (field.number == 3) piece.type = static_cast<SentencepieceFile::PieceType>(field.value);
  });
  return piece;
}

void read_training(std::string_view bytes, const std::string& path, SentencepieceFile& file) {
  Message(bytes, path).each([&](const Field& field) {
    if (field.number == 3) file.kind = static_cast<SentencepieceFile::Kind>(field.value);
    if (field.number == 24) file.space_is_suffix = field.value != 0;
    if (field.number == 35) file.byte_fallback = field.value != 0;
  });
}

void read_normalisation(std::string_view bytes, const std::string& path, SentencepieceFile& file) {
  Message(bytes, path).each([&](const Field& field) {
    if (field.number == 2) file.character_map = field.bytes;
    if (field.number == 3) file.adds_prefix = field.value != 0;
    if (field.number == 4) file.drops_spaces = field.value != 0;
    if (field.number == 5) file.escapes_spaces = field.value != 0;
  });
}

}  // namespace

SentencepieceFile read_sentencepiece_file(std::string_view bytes, const std::string& path) {
  SentencepieceFile file;
  Message(bytes, path).each([&](const Field& field) {
    if (field.number == 1) file.pieces.push_back(read_piece(field.bytes, path));
    if (field.number == 2) read_training(field.bytes, path, file);
    if (field.number == 3) read_normalisation(field.bytes, path, file);
  });
  return file;
}

}  // namespace strata::data
