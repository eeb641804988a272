#include "data/tokenizer/sentencepiece.h"

#include <sentencepiece_processor.h>
#include <simdjson.h>

#include "data/tokenizer/piece_encoder.h"
#include "strata/base/check.h"
#include "strata/data/tokenizer.h"

namespace strata::data {
namespace {

std::optional<int32_t> if_any(int id) { return id < 0 ? std::nullopt : std::optional<int32_t>(id); }

class Sentencepiece final : public TokenizerModel {
 public:
  Sentencepiece(std::string_view bytes, const std::string& path, std::optional<bool> adds_bos,
                std::optional<bool> adds_eos) {
    const auto status = processor_.LoadFromSerializedProto(bytes);
    STRATA_CHECK(!bytes.empty() && status.ok(), path, ": not a sentencepiece model, nor a tokenizer.json");
    const SentencepieceFile file = read_sentencepiece_file(bytes, path);
    if (PieceEncoder::knows(file)) encoder_.emplace(file, path);
    adds_bos_ = bos() && adds_bos.value_or(true);
    adds_eos_ = eos() && adds_eos.value_or(!bos());
  }

  std::vector<int32_t> encode(std::string_view text, Reading) const override {
    if (encoder_ && simdjson::validate_utf8(text.data(), text.size())) return encoder_->encode(text);
    std::vector<int> ids;
    const auto status = processor_.Encode(text, &ids);
    STRATA_CHECK(status.ok(), "cannot tokenize a text of ", text.size(), " bytes: ", reason_of(status.message()));
    return ids;
  }

  std::string decode(std::span<const int32_t> ids) const override {
    std::string text;
    const auto status = processor_.Decode(std::vector<int>(ids.begin(), ids.end()), &text);
    STRATA_CHECK(status.ok(), "cannot decode ", ids.size(), " ids: ", reason_of(status.message()));
    return text;
  }

  int64_t vocab_size() const override { return processor_.GetPieceSize(); }
  std::string name_of(int32_t id) const override { return processor_.IdToPiece(id); }
  std::optional<int32_t> id_of(std::string_view name) const override {
    const int id = processor_.PieceToId(name);
    return processor_.IdToPiece(id) == name ? std::optional<int32_t>(id) : std::nullopt;
  }
  std::optional<int32_t> bos() const override { return if_any(processor_.bos_id()); }
  std::optional<int32_t> eos() const override { return if_any(processor_.eos_id()); }
  std::optional<int32_t> pad() const override { return if_any(processor_.pad_id()); }
  std::optional<int32_t> unknown() const override { return if_any(processor_.unk_id()); }
  std::vector<int32_t> before() const override { return adds_bos_ ? std::vector{*bos()} : std::vector<int32_t>{}; }
  std::vector<int32_t> behind() const override { return adds_eos_ ? std::vector{*eos()} : std::vector<int32_t>{}; }

 private:
  sentencepiece::SentencePieceProcessor processor_;
  std::optional<PieceEncoder> encoder_;
  bool adds_bos_ = false, adds_eos_ = false;
};

}  // namespace

std::string reason_of(std::string_view message) {
  const size_t open = message.find('['), close = message.rfind(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::string(message);
  const size_t reason = message.find_first_not_of(' ', close + 1);
  return std::string(reason == std::string_view::npos ? message.substr(open + 1, close - open - 1)
                                                      : message.substr(reason));
}

std::unique_ptr<TokenizerModel> open_sentencepiece(std::string_view bytes, const std::string& path,
                                                   std::optional<bool> adds_bos, std::optional<bool> adds_eos) {
  return std::make_unique<Sentencepiece>(bytes, path, adds_bos, adds_eos);
}

}  // namespace strata::data
