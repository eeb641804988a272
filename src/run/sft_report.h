#pragma once

#include <string>
#include <vector>

#include "strata/data/samples/samples.h"
#include "strata/eval/answers.h"
#include "strata/train/hooks.h"

namespace strata::run {

/// As shares of all questions.
train::Scores scores_of(const eval::AnswerScores& answers);

/// Lines below the header: where fine-tuning starts from, its samples, and which layers train.
std::vector<std::string> describe_samples(const config::RunConfig& config, const data::SampleStatistics& statistics,
                                          int64_t blocks, int64_t steps_per_epoch);

}  // namespace strata::run
