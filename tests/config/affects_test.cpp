// What a key affects decides what a resume accepts and in what workers may differ: both spelled out, key by key.
#include "strata/config/affects.h"

#include <concepts>
#include <functional>
#include <set>

#include "config/field.h"
#include "strata/config/print.h"

namespace strata::config {
namespace {

using Keys = std::set<std::string>;

// A key says what it affects, or it is none; a section leaves that to its keys.
static_assert(std::invocable<FieldList&, const char*, int64_t&, Affects, const char*>);
static_assert(!std::invocable<FieldList&, const char*, int64_t&, const char*>);
static_assert(std::invocable<FieldList&, const char*, ClipConfig&, const char*>);

bool is_in(const std::string& section, const std::string& key) { return key.starts_with(section + "."); }

Keys keys_where(const std::function<bool(const std::string&)>& holds) {
  Keys keys;
  for (const auto& [key, value] : flatten(RunConfig{})) {
    if (holds(key)) keys.insert(key);
  }
  return keys;
}

// Besides them what decides only when something is saved, measured or evaluated.
TEST(Affects, AResumeMayChangeThese) {
  const Keys expected{"data.cache",
                      "data.disk_budget_gb",
                      "data.field",
                      "data.longest_document",
                      "data.prefetch",
                      "data.tokenizer",
                      "data.train",
                      "data.validation",
                      "model.max_positions",
                      "parallel.backend",
                      "parallel.bucket_mb",
                      "parallel.interface",
                      "parallel.timeout_seconds",
                      "parallel.zero",
                      "run.device",
                      "run.dir",
                      "run.gemm",
                      "run.threads",
                      "sft.answers",
                      "sft.data",
                      "sft.model",
                      "train.allow_change",
                      "train.recompute",
                      "train.resume",
                      "train.stop_after"};
  EXPECT_EQ(keys_where([](const std::string& key) {
              const bool watches = is_in("checkpoint", key) || is_in("telemetry", key) || is_in("evaluate", key);
              EXPECT_FALSE(watches && changes_numbers(affects_of(key))) << key;
              return !watches && !changes_numbers(affects_of(key));
            }),
            expected);
}

TEST(Affects, NothingChangesAModel) {
  EXPECT_EQ(keys_where([](const std::string& key) { return affects_of(key) == Affects::kModel; }),
            (Keys{"model.head_dim",   "model.heads",        "model.hidden",         "model.intermediate",
                  "model.kv_heads",   "model.layers",       "model.norm_eps",       "model.qk_norm",
                  "model.rope_theta", "model.vocab",        "norm.gpas.activation", "norm.gpas.learnable",
                  "norm.gpas.per",    "norm.gpas.position", "norm.gpas.start",      "norm.gpas.stop_gradient",
                  "norm.init",        "norm.options",       "norm.prores.schedule", "norm.prores.warmup_steps",
                  "norm.scheme"}));
}

TEST(Affects, WorkersMayDifferInThese) {
  EXPECT_EQ(keys_where([](const std::string& key) { return !is_shared(affects_of(key)); }),
            (Keys{"data.cache", "data.disk_budget_gb", "data.field", "data.longest_document", "data.prefetch",
                  "data.tokenizer", "data.train", "data.validation", "evaluate.tasks.data", "parallel.interface",
                  "run.gemm", "sft.data", "sft.model"}));
}

// What is compared by its content instead: see train::begin_run.
TEST(Affects, ContentsOfThese) {
  EXPECT_EQ(keys_where([](const std::string& key) { return affects_of(key) == Affects::kContents; }),
            (Keys{"data.field", "data.longest_document", "data.tokenizer", "data.train", "sft.data", "sft.model"}));
}

}  // namespace
}  // namespace strata::config
