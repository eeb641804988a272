#include "sft_report.h"

#include <algorithm>

#include "strata/base/text.h"
#include "strata/config/enums.h"

namespace strata::run {
namespace {

std::string share(int64_t part, int64_t whole) {
  return fixed(100.0 * static_cast<double>(part) / static_cast<double>(std::max<int64_t>(whole, 1)), 1) + " %";
}

}  // namespace

train::Scores scores_of(const eval::AnswerScores& answers) {
  const auto of_all = [&](int64_t right) {
    return static_cast<double>(right) / static_cast<double>(answers.questions);
  };
  return {.numbers = {{"answers", static_cast<double>(answers.questions)},
                      {"accuracy", of_all(answers.right)},
                      {"majority_accuracy", of_all(answers.majority_right)},
                      {"majority_of_options_accuracy", of_all(answers.majority_of_options_right)}},
          .text = str("  ", share(answers.right, answers.questions), " of ", answers.questions,
                      " answers right (the most frequent one: ", share(answers.majority_right, answers.questions),
                      ", of the same options: ", share(answers.majority_of_options_right, answers.questions), ")")};
}

std::vector<std::string> describe_samples(const config::RunConfig& config, const data::SampleStatistics& statistics,
                                          int64_t blocks, int64_t steps_per_epoch) {
  std::vector<std::string> lines{
      str("from ", config.sft.model, ", gates ", config.sft.train_gates ? "trained" : "frozen"),
      str(with_commas(statistics.samples), " samples of ", with_commas(statistics.tokens), " tokens, ",
          share(statistics.scored_tokens, statistics.tokens), " scored, in ", with_commas(blocks), " blocks; ",
          with_commas(statistics.held_out), " held out, ", with_commas(statistics.truncated), " cut, ",
          with_commas(statistics.left_out), " left out; ", config.sft.epochs, " epochs of ", steps_per_epoch,
          " steps")};
  if (const config::LisaConfig& lisa = config.lisa; lisa.layers > 0) {
    lines.push_back(str("LISA: ", lisa.layers, " of ", config.model.layers, " layers train, drawn every ",
                        lisa.interval, " steps, ", config::enum_name(lisa.sampling),
                        "; states: ", config::enum_name(lisa.states)));
  }
  return lines;
}

}  // namespace strata::run
