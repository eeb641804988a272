#include "sft_data.h"

#include <algorithm>

#include "runtime.h"
#include "sft_keys.h"
#include "sft_report.h"
#include "strata/base/text.h"
#include "strata/data/samples/loader.h"
#include "strata/eval/answers.h"
#include "strata/nn/of_config.h"

namespace strata::tools {
namespace {

constexpr int64_t kMostAnswerTokens = 64;

}  // namespace

SftData::SftData(const config::RunConfig& config) : SftData(config, read_records(config)) {}

SftData::SftData(const config::RunConfig& config, const std::vector<data::Instruction>& records)
    : config_(config),
      weights_(sound_weights(config)),
      model_fingerprint_(hex(weights_.checksum())),
      tokenizer_(open_tokenizer(config)),
      samples_(records, data::PromptTemplate(config.sft.prompt_template), tokenizer_, options_of(config)),
      questions_(data::questions_of(samples_, records)),
      blocks_(samples_.training(), config.sft.pack, config.data.sequence_length) {
  config_.train.steps = steps_of(config_, config_.sft.epochs * steps_per_epoch());
}

int64_t SftData::steps_per_epoch() const {
  return data::SampleLoader::steps_per_epoch(blocks_, config_.train.global_batch);
}

std::unique_ptr<data::BatchSource> SftData::batches(const data::OrderCursor& start, const std::vector<int64_t>& mine,
                                                    const data::BatchShape& shape) const {
  return std::make_unique<data::SampleLoader>(blocks_,
                                              data::SampleLoaderOptions{.shuffle = config_.data.shuffle,
                                                                        .epochs = config_.sft.epochs,
                                                                        .global_batch = config_.train.global_batch,
                                                                        .micro_batch = config_.train.micro_batch,
                                                                        .vocab_size = config_.model.vocab,
                                                                        .mine = mine,
                                                                        .prefetch = config_.data.prefetch,
                                                                        .shape = shape},
                                              start);
}

void SftData::initialise(nn::Parameters& parameters) const { nn::load_parameters(parameters, weights_); }

// Of the training samples, in tokens.
int64_t SftData::longest_response() const {
  int64_t longest = 0;
  for (const data::Sample& sample : samples_.training()) {
    longest = std::max(longest, std::ssize(sample.ids) - sample.prompt);
  }
  return std::min(longest, kMostAnswerTokens);
}

std::unique_ptr<train::Hook> SftData::evaluation(train::Training& training, train::RunLogs* logs,
                                                 int64_t last_step) const {
  if (samples_.held_out().empty()) return nullptr;
  const auto device = training.model.parameters().master().device().type();
  train::EvaluationPlan plan{
      .set = std::make_unique<data::HeldOutSet>(samples_.held_out(), config_.train.micro_batch, config_.model.vocab,
                                                nn::batch_shape_for(config_, device)),
      .every = config_.evaluate.every,
      .steps_per_epoch = steps_per_epoch(),
      .last_step = last_step};
  if (config_.sft.answers > 0 && !questions_.questions.empty()) {
    plan.scores = [this, &training, most_tokens = longest_response()] {
      return scores_of(eval::answer_questions(training.model, questions_, config_.sft.answers, tokenizer_,
                                              {.most_tokens = most_tokens, .batch = config_.train.micro_batch},
                                              training.parallel.workers));
    };
  }
  return train::evaluation(logs, std::move(plan), training.model, training.parallel.workers);
}

double SftData::flops_per_token() const {
  const data::SampleStatistics& statistics = samples_.statistics();
  nn::TokenWork work = nn::full_rows(config_);
  if (config_.sft.pack != config::SamplePacking::kStream) {
    work.context = static_cast<double>(statistics.tokens) / static_cast<double>(statistics.samples);
  }
  work.scored_share = statistics.scored_share();
  return nn::flops_per_token(config_.model, work);
}

std::vector<std::string> SftData::description() const {
  return describe_samples(config_, samples_.statistics(), blocks_.size(), steps_per_epoch());
}

}  // namespace strata::tools
