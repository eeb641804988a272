#include "strata/data/samples/questions.h"

#include <algorithm>
#include <map>

#include "strata/base/threads.h"

namespace strata::data {
namespace {

using Counts = std::map<std::string, int64_t>;
using Options = std::vector<std::string>;

constexpr size_t kMostAnswers = 100;
constexpr int64_t kSamplesAtATime = 32;

char lower(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), lower);
  return text;
}

// Letters beyond ASCII belong to words.
bool is_in_word(char c) {
  return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// Both in lower case.
size_t find_lower_word(std::string_view text, std::string_view word) {
  for (size_t begin = text.find(word); begin != text.npos; begin = text.find(word, begin + 1)) {
    const size_t end = begin + word.size();
    const bool goes_on = end < text.size() && is_in_word(text[end]) && is_in_word(word.back());
    if (!goes_on && (begin == 0 || !is_in_word(text[begin - 1]) || !is_in_word(word.front()))) return begin;
  }
  return std::string_view::npos;
}

std::string text_of(const Instruction& record) {
  std::string text;
  for (const Turn& turn : record.turns) text += turn.instruction + "\n" + turn.input + "\n";
  return lower_case(std::move(text));
}

std::string most_frequent(const Counts& counts) {
  const auto best = std::ranges::max_element(counts, {}, &Counts::value_type::second);  // the first of equal ones
  return best == counts.end() ? "" : best->first;
}

class Finder {
 public:
  Finder(const SampleSet& set, const std::vector<Instruction>& records) : records_(records) {
    for (const Sample& sample : set.training()) {
      if (!answer(sample).empty()) ++answers_[answer(sample)];
    }
    if (!looks_for_options()) return;
    for (const auto& [word, count] : answers_) words_.emplace_back(word, lower_case(word));
    const std::vector<Options> options = options_of_all(set.training());
    for (size_t i = 0; i < options.size(); ++i) {
      const std::string& right = answer(set.training()[i]);
      if (!right.empty()) ++by_options_[options[i]][right];
    }
  }

  bool looks_for_options() const { return answers_.size() <= kMostAnswers; }

  Question question(const Sample& sample) const {
    Question question;
    question.prompt.assign(sample.ids.begin(), sample.ids.begin() + sample.prompt);
    question.answer = answer(sample);
    question.options = looks_for_options() ? options_of(sample) : Options{question.answer};
    const auto alike = by_options_.find(question.options);
    question.majority = alike == by_options_.end() ? majority() : most_frequent(alike->second);
    return question;
  }

  const std::string& answer(const Sample& sample) const { return records_[static_cast<size_t>(sample.record)].answer; }
  std::string majority() const { return most_frequent(answers_); }

 private:
  Options options_of(const Sample& sample) const {
    const std::string text = text_of(records_[static_cast<size_t>(sample.record)]);
    Options options;
    for (const auto& [word, lower_word] : words_) {
      if (find_lower_word(text, lower_word) != text.npos) options.push_back(word);
    }
    return options;
  }

  std::vector<Options> options_of_all(const std::vector<Sample>& samples) const {
    std::vector<Options> options(samples.size());
    parallel_ranges(std::ssize(samples), kSamplesAtATime, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) options[i] = options_of(samples[i]);
    });
    return options;
  }

  const std::vector<Instruction>& records_;
  Counts answers_;                                          // of the training samples
  std::vector<std::pair<std::string, std::string>> words_;  // they, and in lower case
  std::map<Options, Counts> by_options_;
};

}  // namespace

size_t find_word(std::string_view text, std::string_view word) {
  return word.empty() ? text.npos : find_lower_word(lower_case(std::string(text)), lower_case(std::string(word)));
}

Questions questions_of(const SampleSet& set, const std::vector<Instruction>& records) {
  const Finder finder(set, records);
  Questions found{.questions = {}, .majority = finder.majority()};
  for (const Sample& sample : set.held_out()) {
    const bool has_room = sample.prompt < std::ssize(sample.ids);  // a prompt that was cut has no answer behind it
    if (has_room && sample.prompt > 0 && !finder.answer(sample).empty()) {
      found.questions.push_back(finder.question(sample));
    }
  }
  return found;
}

}  // namespace strata::data
