#include "data/tokenizer/piece_encoder.h"

#include <simdjson.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <ranges>
#include <set>

#include "data/tokenizer/utf8.h"
#include "strata/base/check.h"

namespace strata::data {
namespace {

using Kind = SentencepieceFile::Kind;
using Type = SentencepieceFile::PieceType;

// Sentencepiece's: what unknown characters score below all pieces, and defined ones below their length in the best
// normal ones, of which none scores less than the least positive float.
constexpr float kUnknownPenalty = 10.0F;
constexpr double kDefinedPenalty = 0.1;
constexpr int32_t kOfNoPiece = std::numeric_limits<int32_t>::max();

std::vector<std::pair<std::string_view, int32_t>> pieces_of(const SentencepieceFile& file,
                                                            const std::vector<Type>& types) {
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    const SentencepieceFile::Piece& piece = file.pieces[id];
    if (std::ranges::find(types, piece.type) != types.end()) pieces.emplace_back(piece.text, static_cast<int32_t>(id));
  }
  return pieces;
}

std::optional<std::array<int32_t, 256>> byte_pieces(const SentencepieceFile& file) {
  if (!file.byte_fallback) return std::nullopt;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::array<int32_t, 256> ids{};
  for (size_t byte = 0; byte < ids.size(); ++byte) {
    const std::string name = str("<0x", kDigits[byte / 16], kDigits[byte % 16], ">");
    const auto piece = std::ranges::find(file.pieces, name, &SentencepieceFile::Piece::text);
    ids[byte] = static_cast<int32_t>(piece - file.pieces.begin());
  }
  return ids;
}

}  // namespace

// What becomes of pieces: unknown ones are told in bytes, or as one however many there are in a row.
class PieceEncoder::Output {
 public:
  explicit Output(const PieceEncoder& encoder) : encoder_(encoder) {}

  void add(int32_t id, std::string_view piece) {
    const bool is_unknown = id == encoder_.unknown_;
    if (is_unknown && encoder_.of_byte_) {
      for (const char byte : piece) ids_.push_back((*encoder_.of_byte_)[static_cast<unsigned char>(byte)]);
    } else if (!is_unknown || !was_unknown_) {
      ids_.push_back(id);
    }
    was_unknown_ = is_unknown;
  }

  std::vector<int32_t> take() { return std::move(ids_); }

 private:
  const PieceEncoder& encoder_;
  std::vector<int32_t> ids_;
  bool was_unknown_ = false;
};

bool PieceEncoder::knows(const SentencepieceFile& file) {
  const bool has_others = std::ranges::any_of(file.pieces, [&](const SentencepieceFile::Piece& piece) {
    return (piece.type == Type::kUnused && file.kind == Kind::kBpe) ||
           (piece.type == Type::kUserDefined && !simdjson::validate_utf8(piece.text));
  });
  return (file.kind == Kind::kUnigram || file.kind == Kind::kBpe) && !has_others && file.escapes_spaces &&
         !file.space_is_suffix;
}

PieceEncoder::PieceEncoder(const SentencepieceFile& file, const std::string& path)
    : characters_(file, path),
      kind_(file.kind),
      pieces_(kind_ == Kind::kUnigram ? pieces_of(file, {Type::kNormal, Type::kUserDefined})
                                      : pieces_of(file, {Type::kNormal})),
      defined_(pieces_of(file, {Type::kUserDefined})),
      of_byte_(byte_pieces(file)) {
  float least = std::numeric_limits<float>::max(), most = std::numeric_limits<float>::min();
  for (const SentencepieceFile::Piece& piece : file.pieces) {
    if (piece.type != Type::kNormal) continue;
    least = std::min(least, piece.score);
    most = std::max(most, piece.score);
  }
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    const SentencepieceFile::Piece& piece = file.pieces[id];
    const bool is_defined = piece.type == Type::kUserDefined;
    scores_.push_back(is_defined ? double{static_cast<float>(piece.text.size()) * most} - kDefinedPenalty
                                 : double{piece.score});
    lengths_.push_back(piece.text.size());
    if (piece.type == Type::kUnknown) unknown_ = static_cast<int32_t>(id);
  }
  unknown_score_ = least - kUnknownPenalty;
  if (kind_ == Kind::kBpe) make_merges(file);
}

std::vector<int32_t> PieceEncoder::encode(std::string_view text) const {
  const std::string normalised = characters_.normalised(text, defined_);
  Output output(*this);
  kind_ == Kind::kUnigram ? encode_unigram(normalised, output) : encode_merged(normalised, output);
  return output.take();
}

namespace {

// The best way to a place: its last piece, where that begins, and the scores of all of its pieces, added up in fp32.
struct BestEnd {
  int32_t id = PieceTrie::kNone;
  int32_t begin = -1;
  float score = 0.0F;
};

// The pieces of a part of a text, back from its end.
template <class Take>
void trace(std::string_view part, const std::vector<BestEnd>& ends, std::vector<size_t>& cuts, const Take& take) {
  cuts.clear();
  for (size_t at = part.size(); at > 0; at = static_cast<size_t>(ends[at].begin)) cuts.push_back(at);
  size_t begin = 0;
  for (const size_t end : std::views::reverse(cuts)) {
    take(ends[end].id, part.substr(begin, end - begin));
    begin = end;
  }
}

}  // namespace

// Viterbi's algorithm; scores are compared in fp64 and kept in fp32, as the library does.
void PieceEncoder::encode_unigram(std::string_view text, Output& output) const {
  std::vector<BestEnd> ends(1);
  std::vector<size_t> cuts;
  size_t reached = 0;  // the furthest end of a piece, in `text`
  const auto offer = [&](size_t end, int32_t id, size_t begin, double score) {
    if (ends.size() <= end) ends.resize(end + 1);
    if (ends[end].begin >= 0 && !(score > ends[end].score)) return;
    ends[end] = {.id = id, .begin = static_cast<int32_t>(begin), .score = static_cast<float>(score)};
  };
  for (size_t at = 0; at < text.size();) {
    const size_t size = size_of_first(text.substr(at));
    const float till_here = ends[at].score;
    bool has_single = false;
    size_t end = at;
    for (int32_t node = PieceTrie::kRoot; end < text.size();) {
      node = pieces_.next(node, text[end]);
      if (node == PieceTrie::kNone) break;
      ++end;
      const int32_t id = pieces_.value(node);
      if (id == PieceTrie::kNone) continue;
      offer(end, id, at, scores_[static_cast<size_t>(id)] + till_here);
      has_single = has_single || end == at + size;
      reached = std::max(reached, end);
    }
    if (!has_single) offer(at + size, unknown_, at, unknown_score_ + till_here);
    at += size;
    reached = std::max(reached, at);
    if (reached > at) continue;
    STRATA_CHECK(at <= INT32_MAX, "a text has ", at, " bytes that cannot be cut");
    trace(text.substr(0, at), ends, cuts, [&](int32_t id, std::string_view piece) { output.add(id, piece); });
    ends = {BestEnd{.score = ends[at].score}};
    text.remove_prefix(at);
    at = reached = 0;
  }
}

// Every way in which a piece is two others, or characters. What scores most is merged first.
void PieceEncoder::make_merges(const SentencepieceFile& file) {
  std::set<float, std::greater<>> scores;
  std::unordered_map<std::string_view, int32_t> symbols;
  const auto pieces = pieces_of(file, {Type::kNormal});
  for (const auto& [text, id] : pieces) {
    symbols.emplace(text, id);
    scores.insert(file.pieces[static_cast<size_t>(id)].score);
  }
  std::unordered_map<float, int32_t> ranks;
  for (const float score : scores) ranks.emplace(score, static_cast<int32_t>(ranks.size()));
  for (const auto& [text, id] : pieces) {
    for (size_t at = 0; at < text.size(); at += size_of_first(text.substr(at))) {
      const std::string_view character = text.substr(at, size_of_first(text.substr(at)));
      const auto next = static_cast<int32_t>(file.pieces.size() + parts_.size());
      if (symbols.emplace(character, next).second) parts_.emplace(character, next);
    }
  }
  std::vector<Merges::Merge> merges;
  for (const auto& [text, id] : pieces) {
    for (size_t at = size_of_first(text); at < text.size(); at += size_of_first(text.substr(at))) {
      const auto left = symbols.find(text.substr(0, at)), right = symbols.find(text.substr(at));
      if (left == symbols.end() || right == symbols.end()) continue;
      merges.push_back({.left = left->second,
                        .right = right->second,
                        .rank = ranks.at(file.pieces[static_cast<size_t>(id)].score),
                        .token = id});
    }
  }
  merges_ = Merges(merges);
}

// Characters up to a place over which no piece goes on, or before a defined one, are merged by themselves.
void PieceEncoder::encode_merged(std::string_view text, Output& output) const {
  std::vector<int32_t> symbols;
  Merges::Scratch scratch;
  size_t part = 0, reached = 0;
  const auto end_part = [&] {
    merges_.apply(symbols, scratch);
    for (const int32_t merged : symbols) {
      const bool is_piece = merged < std::ssize(scores_);
      const size_t length = is_piece ? lengths_[static_cast<size_t>(merged)] : size_of_first(text.substr(part));
      output.add(is_piece ? merged : unknown_, text.substr(part, length));
      part += length;
    }
    symbols.clear();
  };
  for (size_t at = 0; at < text.size();) {
    if (const auto defined = defined_.longest_prefix(text.substr(at)); defined.size > 0) {
      end_part();
      output.add(defined.value, text.substr(at, defined.size));
      part = at += defined.size;
      continue;
    }
    const size_t size = size_of_first(text.substr(at));
    int32_t symbol = kOfNoPiece;
    size_t end = at;
    for (int32_t node = PieceTrie::kRoot; end < text.size();) {
      node = pieces_.next(node, text[end]);
      if (node == PieceTrie::kNone) break;
      ++end;
      if (pieces_.value(node) == PieceTrie::kNone) continue;
      if (end == at + size) symbol = pieces_.value(node);
      reached = std::max(reached, end);
    }
    if (symbol == kOfNoPiece && !parts_.empty()) {
      const auto known = parts_.find(std::string(text.substr(at, size)));
      if (known != parts_.end()) symbol = known->second;
    }
    symbols.push_back(symbol);
    at += size;
    if (reached <= at) end_part();
  }
  end_part();
}

}  // namespace strata::data
