#pragma once

#include "strata/config/data.h"
#include "strata/config/model.h"
#include "strata/config/norm.h"
#include "strata/config/run.h"
#include "strata/config/train.h"

namespace strata::config {

/// Everything that decides a run. Each struct names its keys once, in fields(); loading and printing go through that.
struct RunConfig {
  RunSettings run;
  ModelConfig model;
  NormConfig norm;
  DataConfig data;
  TrainConfig train;

  void fields(auto& field) {
    field("run", run, "this process and its machine");
    field("model", model, "the shape of the decoder");
    field("norm", norm, "how it is normalised");
    field("data", data, "what it reads");
    field("train", train, "one optimizer step");
  }

  /// Throws KeyError where keys do not fit together.
  void validate() const;

  bool operator==(const RunConfig&) const = default;
};

}  // namespace strata::config
