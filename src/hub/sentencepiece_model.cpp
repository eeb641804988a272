// The file is a protocol buffer, sentencepiece_model.proto; Debian has no header for it. Field numbers are from there.
#include "hub/sentencepiece_model.h"

#include <cstdint>
#include <cstring>
#include <functional>

#include "strata/base/check.h"

namespace strata::hub {
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

enum PieceType : uint64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

SentencepieceModel::Piece read_piece(std::string_view bytes, const std::string& path) {
  SentencepieceModel::Piece piece;
  uint64_t type = kNormal;
  Message(bytes, path).each([&](const Field& field) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2 && field.bytes.size() == sizeof(float)) {
      std::memcpy(&piece.score, field.bytes.data(), sizeof(float));
    }
    if (field.number == 3) type = field.value;
  });
  STRATA_CHECK(type != kUserDefined, path, ": the piece \"", piece.text,
               "\" is defined by its makers, which tokenizer.json of T5's kind cannot say");
  piece.is_special = type == kUnknown || type == kControl;
  return piece;
}

void read_training(std::string_view bytes, const std::string& path, SentencepieceModel& model) {
  constexpr uint64_t kUnigram = 1;
  Message(bytes, path).each([&](const Field& field) {
    STRATA_CHECK(field.number != 3 || field.value == kUnigram, path, ": is no unigram model (its type is ", field.value,
                 "), the only kind that T5's tokenizer.json can be made of");
    if (field.number == 35) model.byte_fallback = field.value != 0;
  });
}

void read_normalisation(std::string_view bytes, const std::string& path, SentencepieceModel& model) {
  Message(bytes, path).each([&](const Field& field) {
    if (field.number == 2) model.character_map = field.bytes;
    const bool is_about_spaces = field.number == 3 || field.number == 4 || field.number == 5;
    STRATA_CHECK(!is_about_spaces || field.value != 0, path,
                 ": treats spaces in another way than T5's, which its tokenizer.json cannot say");
  });
}

}  // namespace

SentencepieceModel read_sentencepiece_model(std::string_view bytes, const std::string& path) {
  SentencepieceModel model;
  Message(bytes, path).each([&](const Field& field) {
    if (field.number == 1) model.pieces.push_back(read_piece(field.bytes, path));
    if (field.number == 2) read_training(field.bytes, path, model);
    if (field.number == 3) read_normalisation(field.bytes, path, model);
  });
  return model;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = i; k < i + 3; ++k)
      three = three << 8 | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0);
    for (size_t digit = 0; digit < 4; ++digit) {
      text += i + digit > bytes.size() ? '=' : kDigits[three >> (18 - 6 * digit) & 63];
    }
  }
  return text;
}

}  // namespace strata::hub
