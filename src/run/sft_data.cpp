#include "sft_data.h"

#include <algorithm>

#include "sft_keys.h"
#include "sft_report.h"
#include "strata/base/text.h"
#include "strata/data/samples/loader.h"
#include "strata/eval/answers.h"
#include "strata/nn/of_config.h"
#include "strata/run/settle.h"
#include "tokenizer.h"

namespace strata::run {
namespace {

constexpr int64_t kMostAnswerTokens = 64;

}  // namespace

SftData::SftData(const config::RunConfig& config) : SftData(config, read_records(config)) {}

SftData::SftData(const config::RunConfig& config, const std::vector<data::Instruction>& records)
    : weights_(sound_weights(config)),
      model_fingerprint_(hex(weights_.checksum())),
      tokenizer_(open_tokenizer(config)),
      samples_(records, data::PromptTemplate(config.sft.prompt_template), tokenizer_, options_of(config)),
      questions_(data::questions_of(samples_, records)),
      blocks_(samples_.training(), config.sft.pack, config.data.sequence_length) {}

int64_t SftData::steps(const config::RunConfig& config) const {
  return steps_of(config, config.sft.epochs * steps_per_epoch(config));
}

int64_t SftData::steps_per_epoch(const config::RunConfig& config) const {
  return data::SampleLoader::steps_per_epoch(blocks_, config.train.global_batch);
}

std::unique_ptr<data::BatchSource> SftData::batches(const Settled& run, const data::OrderCursor& start,
                                                    const std::vector<int64_t>& mine) const {
  const config::RunConfig& config = run.config;
  return std::make_unique<data::SampleLoader>(blocks_,
                                              data::SampleLoaderOptions{.shuffle = config.data.shuffle,
                                                                        .epochs = config.sft.epochs,
                                                                        .global_batch = config.train.global_batch,
                                                                        .micro_batch = config.train.micro_batch,
                                                                        .vocab_size = config.model.vocab,
                                                                        .mine = mine,
                                                                        .prefetch = config.data.prefetch,
                                                                        .shape = run.batch_shape},
                                              start);
}

void SftData::initialise(const Settled&, nn::Parameters& parameters) const {
  nn::load_parameters(parameters, weights_);
}

// Of the training samples, in tokens.
int64_t SftData::longest_response() const {
  int64_t longest = 0;
  for (const data::Sample& sample : samples_.training()) {
    longest = std::max(longest, std::ssize(sample.ids) - sample.prompt);
  }
  return std::min(longest, kMostAnswerTokens);
}

std::optional<train::EvaluationPlan> SftData::evaluation(const Settled& run, train::Training& training) const {
  if (samples_.held_out().empty()) return std::nullopt;
  const config::RunConfig& config = run.config;
  train::EvaluationPlan plan{.set = std::make_unique<data::HeldOutSet>(samples_.held_out(), config.train.micro_batch,
                                                                       config.model.vocab, run.batch_shape),
                             .every = config.evaluate.every,
                             .steps_per_epoch = steps_per_epoch(config)};
  if (config.sft.answers > 0 && !questions_.questions.empty()) {
    plan.scores = [this, &config, &training, most_tokens = longest_response()] {
      return scores_of(eval::answer_questions(training.model, questions_, config.sft.answers, tokenizer_,
                                              {.most_tokens = most_tokens, .batch = config.train.micro_batch},
                                              training.parallel.workers));
    };
  }
  return plan;
}

double SftData::flops_per_token(const Settled& run) const {
  const data::SampleStatistics& statistics = samples_.statistics();
  nn::TokenWork work = nn::full_rows(run.config);
  if (run.config.sft.pack != config::SamplePacking::kStream) {
    work.context = static_cast<double>(statistics.tokens) / static_cast<double>(statistics.samples);
  }
  work.scored_share = statistics.scored_share();
  return nn::flops_per_token(run.config.model, work);
}

std::vector<std::string> SftData::description(const Settled& run) const {
  return describe_samples(run.config, samples_.statistics(), blocks_.size(), steps_per_epoch(run.config));
}

}  // namespace strata::run
