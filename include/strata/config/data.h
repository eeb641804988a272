#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/config/affects.h"
#include "strata/config/checks.h"
#include "strata/config/train_files.h"

namespace strata::config {

enum class RowKind {
  kAuto,      // packed where all of data.train are text files, else document
  kDocument,  // the paper's: a row is a document, cut to the sequence length with a final </s>, the rest dropped
  kSplit,     // a row is a document's next piece of the sequence length, the last of a document is shorter
  kPacked,    // documents end to end, cut into rows of the sequence length; only the last may be shorter
};
constexpr std::array<std::string_view, 4> enum_names(RowKind) { return {"auto", "document", "split", "packed"}; }

/// Whether a special token is put at a document's beginning or end.
enum class SpecialToken { kAuto, kTrue, kFalse };
constexpr std::array<std::string_view, 3> enum_names(SpecialToken) { return {"auto", "true", "false"}; }

enum class PackedAttention { kDocument, kRow };
constexpr std::array<std::string_view, 2> enum_names(PackedAttention) { return {"document", "row"}; }

enum class ShuffleScope {
  kGlobal,  // one permutation of all rows: every shard has to be there before the first row
  kShard,   // a permutation of the shards, and of the rows within each: shards may arrive one after another
};
constexpr std::array<std::string_view, 2> enum_names(ShuffleScope) { return {"global", "shard"}; }

/// data.*: what the model reads
struct DataConfig {
  static constexpr int64_t kRunSeed = -1;

  std::string tokenizer;
  SpecialToken bos = SpecialToken::kAuto;
  SpecialToken eos = SpecialToken::kAuto;
  TrainFiles train;
  std::vector<std::string> validation;
  std::string field = "text";
  int64_t longest_document = int64_t{256} << 20;
  std::string cache = "data/cache";
  double disk_budget_gb = 0.0;
  int64_t sequence_length = 256;
  RowKind rows = RowKind::kAuto;
  PackedAttention packed_attention = PackedAttention::kDocument;
  bool shuffle = true;
  int64_t seed = kRunSeed;
  ShuffleScope shuffle_scope = ShuffleScope::kGlobal;
  bool skip_bad = false;
  int64_t prefetch = 2;

  void fields(auto& field) {
    field("tokenizer", tokenizer, Affects::kContents,
          "sentencepiece model or tokenizer.json (byte-level BPE), a file, folder or URL");
    field("bos", bos, Affects::kNumbers,
          "whether a document begins with the tokenizer's token for that; auto: where the tokenizer itself puts one");
    field("eos", eos, Affects::kNumbers,
          "whether it ends with the tokenizer's token for that; auto: where the tokenizer has one");
    field(
        "train", train, Affects::kContents,
        "files, globs, URLs or hf://datasets/OWNER/NAME/...: .json(l), .txt, .csv, .tsv, each also .gz, .zst; "
        ".parquet; .bin of ids; folders; {00000..01023} counts; or a mixture of such sources, of which each gives its "
        "share of the rows (docs/data.md)");
    field("validation", validation, Affects::kHost, "files as in data.train, for evaluate.*");
    field("field", this->field, Affects::kContents,
          "where the text is: field of the JSON objects, or column; a.b: b in a");
    field("longest_document", longest_document, Affects::kContents,
          "bytes of a line and of a document; what is longer is refused, or skipped by data.skip_bad",
          in_range(1, int64_t{1} << 40));
    field("cache", cache, Affects::kHost, "folder of token shards, made once and shared by all runs");
    field("disk_budget_gb", disk_budget_gb, Affects::kHost,
          "above it used shards of data.train's URLs leave the cache, in 10^9 bytes; 0: they stay", in_range(0.0, 1e9));
    field("sequence_length", sequence_length, Affects::kNumbers, "most tokens in a row", at_least(2));
    field(
        "rows", rows, Affects::kNumbers,
        "document: the paper's, one cut document a row; split: documents in pieces, each a row; packed: documents end "
        "to end; auto: packed for .txt files, document for others");
    field("packed_attention", packed_attention, Affects::kNumbers,
          "of packed rows: inside each document, or through the whole row");
    field("shuffle", shuffle, Affects::kNumbers, "rows in a random order, another one each epoch");
    field("seed", seed, Affects::kNumbers, "of that order; auto: run.seed, which start values go by", at_least(0),
          Word{"auto", kRunSeed});
    field("shuffle_scope", shuffle_scope, Affects::kNumbers,
          "shard: within each shard, shards permuted, so that training can begin early");
    field("skip_bad", skip_bad, Affects::kNumbers, "count broken documents and go on, instead of stopping");
    field("prefetch", prefetch, Affects::kHost, "global batches prepared ahead", at_least(1));
  }

  /// What rows are shuffled within; nothing: they stay as they lie.
  std::optional<ShuffleScope> shuffled_within() const { return shuffle ? std::optional(shuffle_scope) : std::nullopt; }

  bool operator==(const DataConfig&) const = default;
};

}  // namespace strata::config
