#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "strata/data/tokenizer.h"
#include "strata/eval/task.h"

namespace strata::eval {

/// One choice of one item in tokens.
struct Request {
  std::vector<int32_t> context;       // before anything is cut; never empty
  std::vector<int32_t> continuation;  // what is scored; never empty

  bool operator==(const Request&) const = default;
};

/// What lm-evaluation-harness feeds to a model: (context + continuation)[-(max_length + 1):][:-1], so what is too long
/// loses its beginning. The logits of its last continuation.size() positions score the continuation.
/// Throws Error for a continuation that alone is longer than max_length, where upstream stops too.
std::vector<int32_t> fed(const Request& request, int64_t max_length);

struct RequestOptions {
  int64_t shots = 5;
  /// The tokenizer's eos after each text that is encoded, as lm_eval 0.4.13 does by default with a T5 tokenizer: the
  /// context ends in it, and so does the continuation, whose first token the split drops. false: as with
  /// add_bos_token=False.
  bool append_eos = false;
  int64_t limit = std::numeric_limits<int64_t>::max();  // so many of the first items
};

/// An item's requests, one for each choice.
struct AskedItem {
  std::vector<Request> choices;
  /// Code points of each choice, by which acc_norm divides; where each choice has a context of its own (WinoGrande),
  /// those of the context without examples, as upstream counts them.
  std::vector<int64_t> choice_characters;
  int64_t gold = 0;
  std::vector<size_t> examples;  // indices of example_pool(set)
};

/// The text before a choice: description, examples, the item's context.
std::string context_text(const ItemSet& set, const Item& item, const std::vector<size_t>& examples, size_t choice);

/// The first `limit` items of a set, encoded on ATen's threads; the result is the same for any number of them.
///
/// Context and continuation are one text that is split at the context's length in tokens. It begins with the bos() of
/// a tokenizer that adds_bos(); an empty context is its prefix(). With a tokenizer that splits_at_spaces(), words are
/// encoded by themselves as upstream's tokenizer does, so every example, context and choice is encoded once; with
/// another one, every request as a whole. Throws Error, naming set and item (from 0), for a choice or a context without
/// tokens, and as few_shot_examples.
std::vector<AskedItem> make_requests(const ItemSet& set, const data::Tokenizer& tokenizer,
                                     const RequestOptions& options);

/// The same, every request encoded as a whole with any tokenizer.
std::vector<AskedItem> make_requests_jointly(const ItemSet& set, const data::Tokenizer& tokenizer,
                                             const RequestOptions& options);

}  // namespace strata::eval
