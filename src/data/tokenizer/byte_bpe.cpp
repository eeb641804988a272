#include "data/tokenizer/byte_bpe.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "data/tokenizer/nfc.h"
#include "data/tokenizer/utf8.h"
#include "data/tokenizer/word_cache.h"
#include "strata/base/check.h"

namespace strata::data {

// The memory of one thread, and what it has made of a text so far.
struct ByteBpe::Scratch {
  Expression::Scratch matches;
  Merges::Scratch merges;
  WordCache cache;
  std::vector<int32_t> word;
  std::vector<int32_t> ids;
};

ByteBpe::ByteBpe(JsonTokenizer file) : file_(std::move(file)), merges_(file_.merges), is_special_(file_.tokens.size()) {
  file_.merges.clear();
  for (const AddedToken& token : file_.added) {
    AddedToken sought = token;
    if (token.is_normalised && file_.nfc) sought.content = nfc(token.content);
    (token.is_normalised ? normalised_ : raw_).add(sought);
    is_special_[static_cast<size_t>(token.id)] = token.is_special;
  }
  for (const Split& split : file_.splits) {
    Splitter& made = splitters_.emplace_back(Splitter{.expression = std::nullopt, .adds_space = split.adds_space});
    if (!split.expression.empty()) made.expression.emplace(split.expression, split.place);
  }
  std::vector<bool> is_added(file_.names.size());
  for (const AddedToken& token : file_.added) is_added[static_cast<size_t>(token.id)] = true;
  for (size_t id = 0; id < file_.names.size(); ++id) {
    ids_.emplace(file_.names[id], static_cast<int32_t>(id));
    // A word of a text is never a token that was added, which is looked for before there are words.
    if (file_.ignore_merges && !is_added[id]) whole_.emplace(file_.tokens[id], static_cast<int32_t>(id));
  }
}

ByteBpe::~ByteBpe() = default;

std::unique_ptr<ByteBpe::Scratch> ByteBpe::take_scratch() const {
  const std::lock_guard lock(lending_);
  if (scratches_.empty()) return std::make_unique<Scratch>();
  auto scratch = std::move(scratches_.back());
  scratches_.pop_back();
  return scratch;
}

std::vector<int32_t> ByteBpe::encode(std::string_view text, Reading reading) const {
  STRATA_CHECK(simdjson::validate_utf8(text.data(), text.size()), "cannot tokenize a text of ", text.size(),
               " bytes: not UTF-8");
  auto scratch = take_scratch();
  encode_raw(text, reading, *scratch);
  std::vector<int32_t> ids(scratch->ids);
  scratch->ids.clear();
  const std::lock_guard lock(lending_);
  scratches_.push_back(std::move(scratch));
  return ids;
}

namespace {

// The added tokens of a text, and what lies between. A special one that is only text is passed over, with what it
// hides.
template <class TakeText>
void divide(std::string_view text, const AddedTokens& tokens, Reading reading, std::vector<int32_t>& ids,
            const TakeText& take_text) {
  size_t begin = 0;
  AddedTokens::Found found;
  for (size_t at = 0; !tokens.empty() && tokens.find(text, at, found); at = found.end) {
    if (found.is_special && reading == Reading::kText) continue;
    if (found.begin > begin) take_text(text.substr(begin, found.begin - begin));
    ids.push_back(found.id);
    begin = found.end;
  }
  if (begin < text.size()) take_text(text.substr(begin));
}

}  // namespace

void ByteBpe::encode_raw(std::string_view text, Reading reading, Scratch& scratch) const {
  divide(text, raw_, reading, scratch.ids, [&](std::string_view piece) {
    if (file_.nfc && !is_plainly_nfc(piece)) {
      encode_normalised(nfc(piece), reading, scratch);
    } else {
      encode_normalised(piece, reading, scratch);
    }
  });
}

void ByteBpe::encode_normalised(std::string_view text, Reading reading, Scratch& scratch) const {
  divide(text, normalised_, reading, scratch.ids, [&](std::string_view piece) { split(piece, 0, scratch); });
}

// What splitter `stage` and those behind it make of a piece.
void ByteBpe::split(std::string_view piece, size_t stage, Scratch& scratch) const {
  if (stage == splitters_.size()) return encode_word(piece, scratch);
  const Splitter& splitter = splitters_[stage];
  std::string with_space;
  if (splitter.adds_space && !piece.starts_with(' ')) piece = with_space = " " + std::string(piece);
  size_t at = 0;
  Expression::Match match;
  while (splitter.expression && at < piece.size() && splitter.expression->find(piece, at, match, scratch.matches)) {
    if (match.begin > at) split(piece.substr(at, match.begin - at), stage + 1, scratch);
    split(piece.substr(match.begin, match.end - match.begin), stage + 1, scratch);
    at = match.end;
  }
  if (at < piece.size()) split(piece.substr(at), stage + 1, scratch);
}

void ByteBpe::encode_word(std::string_view word, Scratch& scratch) const {
  const bool is_kept = WordCache::takes(word);
  WordCache::Word* const place = is_kept ? &scratch.cache.place_of(word) : nullptr;
  if (is_kept && WordCache::has(*place, word)) {
    scratch.ids.insert(scratch.ids.end(), place->ids.begin(), place->ids.begin() + place->count);
    return;
  }
  std::vector<int32_t>& ids = scratch.word;
  ids.clear();
  const auto whole = whole_.find(word);
  if (whole != whole_.end()) {
    ids.push_back(whole->second);
  } else {
    for (const char byte : word) ids.push_back(file_.of_byte[static_cast<unsigned char>(byte)]);
    merges_.apply(ids, scratch.merges);
  }
  if (is_kept) WordCache::put(*place, word, ids);
  scratch.ids.insert(scratch.ids.end(), ids.begin(), ids.end());
}

std::string ByteBpe::decode(std::span<const int32_t> ids) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (!is_special_[static_cast<size_t>(id)]) bytes += file_.tokens[static_cast<size_t>(id)];
  }
  return mended_utf8(bytes);
}

std::optional<int32_t> ByteBpe::id_of(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

// Only an added token is more than text.
std::optional<int32_t> ByteBpe::first_known(std::span<const std::string_view> names) const {
  for (const std::string_view name : names) {
    const auto token = std::ranges::find(file_.added, name, &AddedToken::content);
    if (token != file_.added.end()) return token->id;
  }
  return std::nullopt;
}

std::optional<int32_t> ByteBpe::bos() const {
  if (!file_.before.empty()) return file_.before.front();
  constexpr std::array<std::string_view, 4> kNames{"<|begin_of_text|>", "<s>", "<bos>", "<|startoftext|>"};
  return first_known(kNames);
}

std::optional<int32_t> ByteBpe::eos() const {
  if (!file_.behind.empty()) return file_.behind.back();
  constexpr std::array<std::string_view, 5> kNames{"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>"};
  return first_known(kNames);
}

std::optional<int32_t> ByteBpe::pad() const {
  constexpr std::array<std::string_view, 3> kNames{"<pad>", "<|padding|>", "[PAD]"};
  return first_known(kNames);
}

}  // namespace strata::data
