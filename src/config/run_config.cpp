#include "strata/config/run_config.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "strata/config/key_error.h"

namespace strata::config {
namespace {

std::optional<int64_t> next_divisor(int64_t total, int64_t start, int64_t direction) {
  for (int64_t candidate = start; candidate >= 1 && candidate <= total; candidate += direction) {
    if (total % candidate == 0) return candidate;
  }
  return std::nullopt;
}

// Throws unless `value` divides `total`, naming the nearest numbers that do.
void check_divides(const char* key, int64_t value, const char* total_key, int64_t total) {
  if (total % value == 0) return;
  const auto below = next_divisor(total, std::min(value, total), -1);
  const auto above = next_divisor(total, value, +1);
  const std::string fitting = above ? str(*below, " and ", *above, " do") : str(*below, " does");
  throw KeyError(key, str(value, " does not divide ", total_key, "=", total, "; ", fitting));
}

}  // namespace

void ModelConfig::validate() const {
  if (vocab == kAutoVocab) throw KeyError("model.vocab", "auto is for runs; here it has to be a number");
  if (own_head_dim == 0) check_divides("model.heads", heads, "model.hidden", hidden);
  check_divides("model.kv_heads", kv(), "model.heads", heads);
  if (head_dim() % 2 != 0) {
    throw own_head_dim == 0
        ? KeyError("model.heads", str(heads, " heads of model.hidden=", hidden, " are ", head_dim(),
                                      " wide; the rotary embedding needs an even width"))
        : KeyError("model.head_dim", str("is ", head_dim(), "; the rotary embedding needs an even width"));
  }
}

void TrainConfig::validate() const {
  if (micro_batch == kAutoMicroBatch) return;
  check_divides("train.micro_batch", micro_batch, "train.global_batch", global_batch);
}

void RunConfig::validate() const {
  model.validate();
  train.validate();
  if (train.cuda_graph && data.rows != RowKind::kPacked) {
    throw KeyError("train.cuda_graph", "needs batches of one shape: data.rows=packed");
  }
  if (lisa.layers > model.layers) {
    throw KeyError("lisa.layers", str(lisa.layers, " is more than the ", model.layers, " of model.layers"));
  }
  if (lisa.layers > 0 && parallel.zero > 0) {
    throw KeyError("parallel.zero", "with lisa.layers every worker has all states: of a few layers; 0 would do");
  }
  if (lisa.layers > 0 && train.cuda_graph) {
    throw KeyError("train.cuda_graph", "records gradients of the same layers in every step: lisa.layers=0 would do");
  }
  if (train.micro_batch == TrainConfig::kAutoMicroBatch) return;
  const int64_t micro_batches = train.global_batch / train.micro_batch;
  const int64_t parts = parallel.virtual_ranks;
  if (parts > 0 && (!std::has_single_bit(static_cast<uint64_t>(parts)) || micro_batches % parts != 0)) {
    throw KeyError("parallel.virtual_ranks", str(parts, " is not a power of two that divides the ", micro_batches,
                                                 " micro-batches (train.global_batch / train.micro_batch); ",
                                                 micro_batches & -micro_batches, " is the largest"));
  }
}

}  // namespace strata::config
