#include "strata/data/tokenizer.h"

#include <sentencepiece_processor.h>
#include <xxhash.h>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::data {
struct Tokenizer::Implementation {
  sentencepiece::SentencePieceProcessor processor;
  uint64_t fingerprint = 0;
};

Tokenizer::Tokenizer(const std::filesystem::path& model) : implementation_(std::make_unique<Implementation>()) {
  if (!std::filesystem::is_regular_file(model)) throw UsageError("there is no tokenizer " + model.string());
  const std::string bytes = io::read_text(model);
  auto& processor = implementation_->processor;
  const auto status = processor.LoadFromSerializedProto(bytes);
  STRATA_CHECK(!bytes.empty() && status.ok(), model.string(), ": not a sentencepiece model");
  STRATA_CHECK(processor.pad_id() == kPad && processor.eos_id() == kEos && processor.unk_id() == kUnknown,
               model.string(), ": the tokenizer has pad ", processor.pad_id(), ", eos ", processor.eos_id(), ", unk ",
               processor.unk_id(), "; T5's are needed: pad 0, eos 1, unk 2 (strata train-tokenizer makes such models)");
  implementation_->fingerprint = XXH3_64bits(bytes.data(), bytes.size());
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::string reason_of(std::string_view message) {
  const size_t open = message.find('['), close = message.rfind(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::string(message);
  const size_t reason = message.find_first_not_of(' ', close + 1);
  return std::string(reason == std::string_view::npos ? message.substr(open + 1, close - open - 1)
                                                      : message.substr(reason));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int> ids;
  const auto status = implementation_->processor.Encode(text, &ids);
  STRATA_CHECK(status.ok(), "cannot tokenize a text of ", text.size(), " bytes: ", reason_of(status.message()));
  return ids;
}

std::vector<int32_t> Tokenizer::encode_document(std::string_view text) const {
  std::vector<int32_t> ids = encode(text);
  ids.push_back(kEos);
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  for (const int32_t id : ids) {
    STRATA_CHECK(0 <= id && id < vocab_size(), "cannot decode id ", id, ": the tokenizer has ", vocab_size(),
                 " pieces");
  }
  std::string text;
  const auto status = implementation_->processor.Decode(std::vector<int>(ids.begin(), ids.end()), &text);
  STRATA_CHECK(status.ok(), "cannot decode ", ids.size(), " ids: ", reason_of(status.message()));
  return text;
}

int64_t Tokenizer::vocab_size() const { return implementation_->processor.GetPieceSize(); }

bool Tokenizer::splits_at_spaces() const {
  constexpr std::string_view space = "\u2581";  // sentencepiece's sign for one
  const auto& processor = implementation_->processor;
  if (processor.PieceToId(space) == kUnknown) return false;  // unknown characters in a row become one piece
  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    if (processor.IdToPiece(id).find(space, 1) != std::string::npos) return false;
  }
  // A space is put before a text, and those at its ends and beside others are dropped.
  const std::vector<int32_t> word = encode("a");
  std::vector<int32_t> words = word;
  words.insert(words.end(), word.begin(), word.end());
  return encode(" a\n") == word && encode("a a") == words && encode("a \n\n  a") == words;
}

uint64_t Tokenizer::fingerprint() const { return implementation_->fingerprint; }

}  // namespace strata::data
