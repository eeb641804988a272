#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

enum class ScoredTokens { kResponse, kAll };
constexpr std::array<std::string_view, 2> enum_names(ScoredTokens) { return {"response", "all"}; }

enum class SamplePacking {
  kSamples,  // whole samples, first-fit, each a row of its own: they do not see each other
  kStream,   // all samples end to end, cut into rows of exactly the capacity (the last one shorter)
  kNone,     // one sample
};
constexpr std::array<std::string_view, 3> enum_names(SamplePacking) { return {"samples", "stream", "none"}; }

/// sft.*: fine-tuning on instructions and responses
struct SftConfig {
  std::string model;
  std::vector<std::string> data = {};
  int64_t limit = 0;
  int64_t epochs = 4;
  std::string prompt_template = "alpaca";
  ScoredTokens loss = ScoredTokens::kResponse;
  SamplePacking pack = SamplePacking::kSamples;
  double holdout = 0.01;
  int64_t answers = 200;
  bool train_gates = false;

  void fields(auto& field) {
    field("model", model, Affects::kContents, "model folder to start from, Strata's or Hugging Face's");
    field("data", data, Affects::kContents,
          "files or globs: .json(l), an array or lines of {instruction, input, output}, each also .gz, .zst");
    field("limit", limit, Affects::kNumbers, "samples that are trained on; 0: all", at_least(0));
    field("epochs", epochs, Affects::kNumbers, "times that every sample is seen", at_least(1));
    field("template", prompt_template, Affects::kNumbers,
          "alpaca, plain, or a text with {instruction}, {input} and {output}");
    field("loss", loss, Affects::kNumbers, "what is scored: responses, or all tokens");
    field("pack", pack, Affects::kNumbers,
          "a block holds several samples that do not see each other, a piece of their stream, or one");
    field("holdout", holdout, Affects::kNumbers, "share of the samples that is kept for evaluation",
          in_range(0.0, 0.9));
    field("answers", answers, Affects::kExecution,
          "held-out samples answered by greedy generation at each evaluation; 0: none", at_least(0));
    field("train_gates", train_gates, Affects::kNumbers, "train the gates of GPAS too");
  }

  /// Outside fine-tuning gates always train.
  bool freezes_gates() const { return !model.empty() && !train_gates; }

  bool operator==(const SftConfig&) const = default;
};

}  // namespace strata::config
