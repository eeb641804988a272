#include <algorithm>

#include "strata/base/check.h"
#include "strata/config/print.h"
#include "strata/norm/make.h"
#include "strata/run/settle.h"

namespace strata::run {
namespace {

using config::OptimizerKind;
using config::RunConfig;
using config::ScheduleKind;

/// What is read only under some values of other keys.
struct Condition {
  std::string_view keys;  // a key, or the beginning of some
  std::string_view needs;
  bool (*holds)(const RunConfig&);
};

bool has_suffix(const RunConfig& config, std::string_view suffix) {
  return norm::parse_scheme_name(config.norm.scheme).has(suffix);
}

// The model folder decides, and nobody gave it here.
bool is_of_the_model(const RunConfig& config) { return !config.sft.model.empty(); }

bool has_tasks(const RunConfig& config) { return !config.evaluate.tasks.names.empty(); }

bool divides_by_moments(const RunConfig& config) { return config.optimizer.kind != OptimizerKind::kLion; }

bool decays_at_end(const RunConfig& config) {
  return config.schedule.kind == ScheduleKind::kWsd || config.schedule.kind == ScheduleKind::kWsdReference;
}

bool ends_at_min_ratio(const RunConfig& config) {
  return config.schedule.kind != ScheduleKind::kConstant && config.schedule.kind != ScheduleKind::kWsdReference;
}

const Condition kConditions[] = {
    {"norm.gpas.", "+gpas in norm.scheme",
     [](const RunConfig& c) { return has_suffix(c, norm::kGatesSuffix) || is_of_the_model(c); }},
    {"norm.prores.", "+prores in norm.scheme",
     [](const RunConfig& c) { return has_suffix(c, norm::kWarmUpSuffix) || is_of_the_model(c); }},
    {"data.packed_attention", "data.rows=packed",
     [](const RunConfig& c) {
       return c.data.rows == config::RowKind::kPacked || c.data.rows == config::RowKind::kAuto;
     }},
    {"data.shuffle_scope", "data.shuffle", [](const RunConfig& c) { return c.data.shuffle; }},
    {"train.spike.", "train.spike.action",
     [](const RunConfig& c) { return c.train.spike.action != config::SpikeAction::kNone; }},
    {"optimizer.eps", "an optimizer.kind other than lion", divides_by_moments},
    {"optimizer.groups.eps", "an optimizer.kind other than lion", divides_by_moments},
    {"optimizer.rounding", "train.precision=bf16",
     [](const RunConfig& c) { return c.train.precision == config::Precision::kBf16; }},
    {"optimizer.muon.", "optimizer.kind=muon",
     [](const RunConfig& c) { return c.optimizer.kind == OptimizerKind::kMuon; }},
    {"optimizer.ademamix.", "optimizer.kind=ademamix",
     [](const RunConfig& c) { return c.optimizer.kind == OptimizerKind::kAdemamix; }},
    {"schedule.min_ratio", "a schedule.kind that decays to it", ends_at_min_ratio},
    {"schedule.decay_steps", "schedule.kind=wsd", decays_at_end},
    {"checkpoint.keep_", "checkpoint.keep", [](const RunConfig& c) { return c.checkpoint.keep > 0; }},
    {"evaluate.tasks.every", "evaluate.tasks.names", has_tasks},
    {"evaluate.tasks.limit", "evaluate.tasks.names", has_tasks},
    {"evaluate.tasks.shots", "evaluate.tasks.names", has_tasks},
    {"sft.", "sft.model", [](const RunConfig& c) { return !c.sft.model.empty(); }},
    {"lisa.", "lisa.layers", [](const RunConfig& c) { return c.lisa.layers > 0; }},
};

}  // namespace

std::vector<std::string> idle_keys(const RunConfig& config) {
  std::vector<std::string> idle;
  for (const config::Difference& given : config::differences({}, config)) {
    const auto condition = std::ranges::find_if(
        kConditions, [&](const Condition& condition) { return given.key.starts_with(condition.keys); });
    if (condition == std::end(kConditions) || condition->holds(config)) continue;
    idle.push_back(str(given.key, "=", given.now, " has no effect without ", condition->needs));
  }
  return idle;
}

}  // namespace strata::run
