#include "sft_data.h"

#include <algorithm>
#include <string>
#include <vector>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/config/run_config.h"
#include "strata/data/samples/instructions.h"
#include "strata/data/samples/loader.h"
#include "strata/data/samples/samples.h"
#include "strata/eval/answers.h"
#include "strata/hub/model_folder.h"
#include "strata/io/tensor_files.h"
#include "strata/nn/of_config.h"
#include "strata/nn/parameters.h"
#include "strata/run/settle.h"
#include "strata/run/tokenizer.h"
#include "strata/train/hooks.h"

namespace strata::run {
namespace {

constexpr int64_t kMostAnswerTokens = 64;

void check_keys(const config::RunConfig& config) {
  if (config.sft.model.empty()) throw UsageError("sft.model: names no model folder to start from");
  if (config.sft.data.empty()) throw UsageError("sft.data: names no files");
  if (config.train.loss_average != config::LossAverage::kToken) {
    throw UsageError(
        "train.loss_average=per_micro_batch: the last batch of an epoch may have micro-batches without a sample; "
        "token would do");
  }
  if (config.train.cuda_graph) {
    throw UsageError("train.cuda_graph: samples make batches of many shapes; false would do");
  }
}

// The records of sft.data, once the config is one that can be fine-tuned with.
std::vector<data::Instruction> read_records(const config::RunConfig& config) {
  check_keys(config);
  data::BadRecords bad("sft.data", config.data.skip_bad);
  auto records = data::read_instructions(config.sft.data, &bad);
  if (bad.count() > 0) {
    log::warn(str("sft.data: ", bad.count(), " of ", bad.count() + std::ssize(records), " records skipped"));
  }
  const auto unanswered = std::ranges::count(records, true, &data::Instruction::has_unanswered);
  if (unanswered > 0) {
    log::warn(str("sft.data: ", unanswered, " of ", records.size(),
                  " records end with messages that the assistant does not answer; these messages are not used"));
  }
  return records;
}

// The weights of sft.model. Throws Error where they are not that model's.
io::TensorFiles sound_weights(const config::RunConfig& config) {
  const hub::ModelFolder folder = hub::open_model_folder(config.sft.model);
  nn::check_loadable(folder.spec.layout, folder.weights);
  return folder.weights;
}

data::SampleOptions options_of(const config::RunConfig& config) {
  return {.sequence_length = config.data.sequence_length,
          .scored = config.sft.loss,
          .holdout = config.sft.holdout,
          .limit = config.sft.limit,
          .shuffle = config.data.shuffle,
          .seed = config.order_seed()};
}

// train.steps, where sft.epochs come to so many: the same, unless the config says something else. A config that a run
// has left behind says it.
int64_t steps_of(const config::RunConfig& config, int64_t steps) {
  const bool is_given = config.train.steps != config::TrainConfig{}.steps;
  if (is_given && config.train.steps != steps) {
    throw UsageError(str("train.steps=", config.train.steps, ": sft.epochs=", config.sft.epochs,
                         " of these samples are ", steps, " steps; leave it out (train.stop_after ends a run early)"));
  }
  return steps;
}

std::string share(int64_t part, int64_t whole) {
  return fixed(100.0 * static_cast<double>(part) / static_cast<double>(std::max<int64_t>(whole, 1)), 1) + " %";
}

// As shares of all questions.
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

// Lines below the header: where fine-tuning starts from, its samples, and which layers train.
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

std::unique_ptr<data::BatchSource> SftData::batches(const Settled& run, const data::BatchOptions& options,
                                                    const data::OrderCursor& start) const {
  return std::make_unique<data::SampleLoader>(
      blocks_,
      data::SampleLoaderOptions{
          .shuffle = run.config.data.shuffle, .epochs = run.config.sft.epochs, .batches = options},
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
    plan.scores = [this, &config, &training, most_tokens = longest_response()](const train::PlaceTeller& tell) {
      const auto tell_question = [&](int64_t question, int64_t of) {
        tell(str("question ", question + 1, " of ", of));
      };
      return scores_of(
          eval::answer_questions(training.model, questions_, config.sft.answers, tokenizer_,
                                 {.most_tokens = most_tokens, .batch = config.train.micro_batch, .tell = tell_question},
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
