#include "strata/eval/request.h"

#include <algorithm>
#include <optional>

#include "eval/python.h"
#include "eval/word_encoder.h"
#include "strata/base/check.h"
#include "strata/base/threads.h"
#include "strata/eval/few_shot.h"

namespace strata::eval {
namespace {

using data::Tokenizer;
using Ids = std::vector<int32_t>;

void append(Ids& ids, const Ids& more) { ids.insert(ids.end(), more.begin(), more.end()); }

std::string example_text(const Item& example) {
  const auto gold = static_cast<size_t>(example.gold);
  return example.context(gold) + " " + example.choices[gold] + "\n\n";
}

// What the harness puts around each text that it encodes.
struct Marks {
  std::optional<int32_t> bos, eos;

  Marks(const Tokenizer& tokenizer, bool append_eos)
      : bos(tokenizer.adds_bos() ? tokenizer.bos() : std::nullopt), eos(append_eos ? tokenizer.eos() : std::nullopt) {}

  Ids around(Ids ids) const {
    if (bos) ids.insert(ids.begin(), *bos);
    if (eos) ids.push_back(*eos);
    return ids;
  }
};

// A context and what comes after it, encoded together, as its tokens and the rest.
Request split(Ids context, Ids whole, const Marks& marks) {
  context = marks.around(std::move(context));
  whole = marks.around(std::move(whole));
  const size_t begin = std::min(context.size(), whole.size());
  return {.context = std::move(context),
          .continuation = {whole.begin() + static_cast<std::ptrdiff_t>(begin), whole.end()}};
}

class JointEncoder {
 public:
  JointEncoder(const ItemSet& set, const Tokenizer& tokenizer, bool append_eos)
      : set_(set), tokenizer_(tokenizer), marks_(tokenizer, append_eos) {}

  std::vector<Request> requests(const Item& item, const std::vector<size_t>& examples) const {
    std::vector<Request> requests;
    for (size_t i = 0; i < item.choices.size(); ++i) {
      const std::string text = context_text(set_, item, examples, i);
      const std::string whole = text + " " + item.choices[i];
      if (text.empty()) {
        requests.push_back({.context = {tokenizer_.prefix()}, .continuation = tokenizer_.encode(whole)});
      } else {
        // White space at a context's end belongs to the continuation.
        requests.push_back(split(tokenizer_.encode(right_stripped(text)), tokenizer_.encode(whole), marks_));
      }
    }
    return requests;
  }

 private:
  const ItemSet& set_;
  const Tokenizer& tokenizer_;
  Marks marks_;
};

// Each text once, whatever stands before it.
class WordwiseEncoder {
 public:
  WordwiseEncoder(const ItemSet& set, const Tokenizer& tokenizer, bool append_eos,
                  const std::vector<std::vector<size_t>>& all_examples)
      : set_(set),
        tokenizer_(tokenizer),
        marks_(tokenizer, append_eos),
        description_(encode_words(tokenizer, set.description)) {
    const std::vector<Item>& pool = example_pool(set);
    examples_.resize(pool.size());
    std::vector<char> is_used(pool.size());
    for (const auto& examples : all_examples) {
      for (const size_t example : examples) is_used[example] = 1;
    }
    parallel_ranges(std::ssize(pool), 16, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        if (is_used[i] != 0) examples_[i] = encode_words(tokenizer, example_text(pool[i]));
      }
    });
  }

  std::vector<Request> requests(const Item& item, const std::vector<size_t>& examples) const {
    Ids before = description_;
    for (const size_t example : examples) append(before, examples_[example]);
    std::vector<Ids> contexts;
    for (const std::string& text : item.contexts) {
      contexts.push_back(before);
      append(contexts.back(), encode_words(tokenizer_, text));
    }
    const bool nothing_before = set_.description.empty() && examples.empty();
    std::vector<Request> requests;
    for (size_t i = 0; i < item.choices.size(); ++i) {
      const Ids& context = contexts[contexts.size() == 1 ? 0 : i];
      Ids continuation = encode_words(tokenizer_, item.choices[i]);
      if (nothing_before && item.context(i).empty()) {
        requests.push_back({.context = {tokenizer_.prefix()}, .continuation = std::move(continuation)});
      } else {
        Ids whole = context;
        append(whole, continuation);
        requests.push_back(split(context, std::move(whole), marks_));
      }
    }
    return requests;
  }

 private:
  const ItemSet& set_;
  const Tokenizer& tokenizer_;
  Marks marks_;
  Ids description_;
  std::vector<Ids> examples_;  // of the pool
};

void check_requests(const std::vector<Request>& requests, const ItemSet& set, size_t index) {
  for (size_t i = 0; i < requests.size(); ++i) {
    STRATA_CHECK(!requests[i].context.empty(), set.name, ": item ", index, ": the context is blank");
    STRATA_CHECK(!requests[i].continuation.empty(), set.name, ": item ", index, ": choice ", i + 1, " has no tokens");
  }
}

template <class Encoder>
std::vector<AskedItem> ask(const ItemSet& set, std::vector<std::vector<size_t>> examples, const Encoder& encoder) {
  std::vector<AskedItem> asked(examples.size());
  parallel_ranges(std::ssize(asked), 16, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const Item& item = set.items[i];
      asked[i] = {.choices = encoder.requests(item, examples[i]),
                  .choice_characters = {},
                  .gold = item.gold,
                  .examples = std::move(examples[i])};
      check_requests(asked[i].choices, set, i);
      for (const std::string& text : item.contexts.size() == 1 ? item.choices : item.contexts) {
        asked[i].choice_characters.push_back(count_characters(text));
      }
    }
  });
  return asked;
}

std::vector<std::vector<size_t>> examples_of(const ItemSet& set, const RequestOptions& options) {
  return few_shot_examples(set, options.shots, static_cast<size_t>(std::max<int64_t>(options.limit, 0)));
}

}  // namespace

std::vector<int32_t> fed(const Request& request, int64_t max_length) {
  const auto scored = std::ssize(request.continuation);
  STRATA_CHECK(scored <= max_length, "a choice has ", scored, " tokens, the model takes at most ", max_length);
  Ids all = request.context;
  append(all, request.continuation);
  all.pop_back();
  const int64_t cut = std::max<int64_t>(std::ssize(all) - max_length, 0);
  all.erase(all.begin(), all.begin() + cut);
  return all;
}

std::string context_text(const ItemSet& set, const Item& item, const std::vector<size_t>& examples, size_t choice) {
  std::string text = set.description;
  for (const size_t example : examples) text += example_text(example_pool(set)[example]);
  return text + item.context(choice);
}

std::vector<AskedItem> make_requests(const ItemSet& set, const data::Tokenizer& tokenizer,
                                     const RequestOptions& options) {
  if (!tokenizer.splits_at_spaces()) return make_requests_jointly(set, tokenizer, options);
  std::vector<std::vector<size_t>> examples = examples_of(set, options);
  const WordwiseEncoder encoder(set, tokenizer, options.append_eos, examples);
  return ask(set, std::move(examples), encoder);
}

std::vector<AskedItem> make_requests_jointly(const ItemSet& set, const data::Tokenizer& tokenizer,
                                             const RequestOptions& options) {
  return ask(set, examples_of(set, options), JointEncoder(set, tokenizer, options.append_eos));
}

}  // namespace strata::eval
