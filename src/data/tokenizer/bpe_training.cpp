#include "data/tokenizer/bpe_training.h"

#include <algorithm>
#include <map>
#include <queue>

#include "data/tokenizer/byte_alphabet.h"

namespace strata::data {
namespace {

using Pair = std::pair<int32_t, int32_t>;

struct Word {
  std::vector<int32_t> tokens;
  int64_t count = 0;
};

class Learner {
 public:
  explicit Learner(const std::unordered_map<std::string, int64_t>& words) {
    const auto& signs = signs_of_bytes();
    learned_.tokens.assign(signs.begin(), signs.end());
    std::ranges::sort(learned_.tokens);  // UTF-8 sorts as code points do
    std::vector<int32_t> of_byte;
    for (size_t id = 0; id < learned_.tokens.size(); ++id) ids_[learned_.tokens[id]] = static_cast<int32_t>(id);
    for (const std::string& sign : signs) of_byte.push_back(ids_.at(sign));
    for (const auto& [text, count] : words) {
      Word& word = words_.emplace_back(Word{.tokens = {}, .count = count});
      for (const char byte : text) word.tokens.push_back(of_byte[static_cast<unsigned char>(byte)]);
    }
    for (size_t word = 0; word < words_.size(); ++word) count_pairs(word, 1);
    push_touched();
  }

  LearnedMerges run(int64_t count) {
    while (std::ssize(learned_.tokens) < count && !heap_.empty()) {
      const Candidate best = heap_.top();
      heap_.pop();
      const int64_t now = pairs_.at(best.pair).count;
      if (best.count != now) {
        if (now > 0) heap_.push({.count = now, .pair = best.pair});
        continue;
      }
      if (now < kLeast) break;
      join(best.pair);
    }
    return std::move(learned_);
  }

 private:
  static constexpr int64_t kLeast = 2;

  struct Occurrences {
    int64_t count = 0;
    std::vector<size_t> words;  // where it is, or was; some twice
  };
  struct Candidate {
    int64_t count = 0;
    Pair pair;

    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  void count_pairs(size_t word, int64_t sign) {
    const auto& [tokens, count] = words_[word];
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const Pair pair{tokens[i], tokens[i + 1]};
      Occurrences& found = pairs_[pair];
      found.count += sign * count;
      if (sign < 0) continue;
      if (found.words.empty() || found.words.back() != word) found.words.push_back(word);
      touched_.push_back(pair);
    }
  }

  // What was counted anew stands in the heap with the number that it has now; older entries are passed over.
  void push_touched() {
    std::ranges::sort(touched_);
    const auto rest = std::ranges::unique(touched_);
    touched_.erase(rest.begin(), rest.end());
    for (const Pair& pair : touched_) heap_.push({.count = pairs_.at(pair).count, .pair = pair});
    touched_.clear();
  }

  void join(const Pair& pair) {
    const std::string &left = learned_.tokens[static_cast<size_t>(pair.first)],
                      &right = learned_.tokens[static_cast<size_t>(pair.second)];
    learned_.merges.push_back(left + " " + right);
    const auto [token, is_new] = ids_.emplace(left + right, static_cast<int32_t>(learned_.tokens.size()));
    if (is_new) learned_.tokens.push_back(token->first);
    std::vector<size_t> words = std::move(pairs_[pair].words);
    pairs_[pair].words.clear();
    std::ranges::sort(words);
    const auto rest = std::ranges::unique(words);
    words.erase(rest.begin(), rest.end());
    for (const size_t word : words) {
      count_pairs(word, -1);
      replace(words_[word].tokens, pair, token->second);
      count_pairs(word, 1);
    }
    push_touched();
  }

  static void replace(std::vector<int32_t>& tokens, const Pair& pair, int32_t by) {
    size_t kept = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const bool is_pair = i + 1 < tokens.size() && tokens[i] == pair.first && tokens[i + 1] == pair.second;
      tokens[kept++] = is_pair ? by : tokens[i];
      i += is_pair ? 1 : 0;
    }
    tokens.resize(kept);
  }

  LearnedMerges learned_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<Word> words_;
  std::map<Pair, Occurrences> pairs_;
  std::vector<Pair> touched_;
  std::priority_queue<Candidate> heap_;
};

}  // namespace

LearnedMerges learn_merges(const std::unordered_map<std::string, int64_t>& words, int64_t count) {
  return Learner(words).run(count);
}

}  // namespace strata::data
