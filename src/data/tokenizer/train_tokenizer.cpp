#include <sentencepiece_trainer.h>

#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "strata/io/file.h"

namespace strata::data {
namespace {

// sentencepiece drops sentences that are longer than this by default, so longer lines are cut at a space.
constexpr size_t kLongestSentence = 4192;

// The sentences of a stream of texts: their lines, cut where they are too long.
class Sentences final : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const TextStream& texts) : texts_(texts) { Next(); }

  bool done() const override { return done_; }
  const std::string& value() const override { return sentence_; }
  sentencepiece::util::Status status() const override { return {}; }

  void Next() override {
    sentence_.clear();
    while (sentence_.empty()) {
      while (begin_ == text_.size()) {
        begin_ = 0;
        text_.clear();
        if (!texts_(text_)) {
          done_ = true;
          return;
        }
      }
      take_sentence();
    }
  }

 private:
  void take_sentence() {
    const size_t line_end = std::min(text_.find('\n', begin_), text_.size());
    size_t end = line_end;
    if (line_end - begin_ > kLongestSentence) {
      end = begin_ + kLongestSentence;
      const size_t space = text_.rfind(' ', end);
      if (space != std::string::npos && space > begin_) end = space;
      while (is_inside_character(end)) --end;
    }
    sentence_ = text_.substr(begin_, end - begin_);
    begin_ = std::min(end + (end == line_end ? 1 : 0), text_.size());
  }

  bool is_inside_character(size_t at) const { return (static_cast<unsigned char>(text_[at]) & 0xC0U) == 0x80U; }

  const TextStream& texts_;
  std::string text_;
  size_t begin_ = 0;
  std::string sentence_;
  bool done_ = false;
};

}  // namespace

void train_tokenizer(const TextStream& texts, int64_t vocab_size, const std::filesystem::path& output) {
  Sentences sentences(texts);
  STRATA_CHECK(!sentences.done(), "cannot train a tokenizer: the input has no text");
  std::string model;
  const auto status =
      sentencepiece::SentencePieceTrainer::Train({{"model_type", "unigram"},
                                                  {"vocab_size", std::to_string(vocab_size)},
                                                  {"pad_id", std::to_string(Tokenizer::kPad)},
                                                  {"eos_id", std::to_string(Tokenizer::kEos)},
                                                  {"unk_id", std::to_string(Tokenizer::kUnknown)},
                                                  {"bos_id", "-1"},
                                                  {"normalization_rule_name", "nmt_nfkc"},
                                                  {"max_sentence_length", std::to_string(kLongestSentence)},
                                                  {"train_extremely_large_corpus", "true"},
                                                  {"minloglevel", "2"}},
                                                 &sentences, &model);
  STRATA_CHECK(status.ok(), "cannot train a tokenizer of ", vocab_size, " pieces: ", reason_of(status.message()));
  io::write_atomically(output, model);
}

}  // namespace strata::data
