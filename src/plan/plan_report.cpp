#include "strata/plan/plan_report.h"

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/nn/model.h"
#include "strata/nn/of_config.h"

namespace strata::plan {
namespace {

constexpr auto kRight = Table::Align::kRight;

std::string share(int64_t part, int64_t whole) {
  return whole == 0 ? "" : fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1) + " %";
}

std::string name_of(config::Recompute recompute) { return std::string(config::enum_name(recompute)); }

std::string section(const std::string& title, const Table& table) { return "\n" + title + "\n" + table.text("  "); }

std::string workers_of(const Place& place) {
  if (place.device == at::kCPU) return "the processor of this machine";
  return place.workers == 1 ? "one GPU" : str(place.workers, " GPUs, a worker each");
}

// What the first layer keeps; where layers share their buffers, nearly nothing.
int64_t bytes_of_a_layer(const Allocator& buffers) {
  int64_t bytes = 0;
  for (const Allocator::Buffer& buffer : buffers.buffers()) {
    const bool is_its = buffer.memory_class == MemoryClass::kActivations && buffer.name.starts_with("layer 0 ");
    bytes += is_its ? buffer.bytes : 0;
  }
  return bytes;
}

// What all workers take of the memory of their host, where that is not what they compute in.
Table host_table(const config::RunConfig& config, const nn::ModelSpec& spec, const Place& place) {
  const MemoryPlan first = plan_memory(config, spec, place);
  const MemoryPlan other = place.workers > 1 ? plan_memory(config, spec, place, 1) : first;
  const auto of_all = [&](int64_t one, int64_t others) { return one + (place.workers - 1) * others; };
  Table table({{"class"}, {"bytes", kRight}, {"", kRight}});
  const auto add = [&](const std::string& name, int64_t bytes) {
    table.add({name, with_commas(bytes), human_bytes(bytes)});
  };
  add(strata::name_of(MemoryClass::kCheckpointCopy), of_all(first.buffers.host_bytes(), other.buffers.host_bytes()));
  add("batches", of_all(first.batches, other.batches));
  add("total", of_all(first.host_bytes(), other.host_bytes()));
  return table;
}

// With three digits, or all that are before the point.
std::string count_of(double value) {
  return value < 100.0 ? significant(value, 3) : with_commas(static_cast<int64_t>(value));
}

std::string size_or_none(int64_t micro_batch) { return micro_batch > 0 ? std::to_string(micro_batch) : "-"; }

Table fit_table(const PlannedRun& run, const Machine& machine) {
  config::RunConfig config = run.config;
  const auto needed = [&] {
    return human_bytes(plan_memory(config, run.spec, machine.place).device_bytes() + machine.taken);
  };
  Table table({{"recompute"},
               {str("micro-batch of ", config.train.micro_batch), kRight},
               {"largest that fits", kRight},
               {"takes", kRight},
               {"FLOPs of a token", kRight}});
  for (const config::Recompute recompute : kRecomputes) {
    config.train.recompute = recompute;
    config.train.micro_batch = run.config.train.micro_batch;
    const RunCost cost = cost_of(config, run.spec);
    std::vector<std::string> cells{name_of(recompute), needed()};
    config.train.micro_batch = largest_micro_batch(config, run.spec, machine.place, machine.room());
    const bool fits = config.train.micro_batch > 0;
    cells.push_back(size_or_none(config.train.micro_batch));
    cells.push_back(fits ? needed() : "-");
    cells.push_back("+" + fixed(100.0 * cost.recomputed_per_token / cost.flops_per_token, 0) + " %");
    table.add(cells);
  }
  return table;
}

StepTime time_of(const config::RunConfig& config, const nn::ModelSpec& spec, const Machine& machine) {
  const int workers = machine.place.workers;
  return time_step(count_step(config, spec, workers), *machine.device, config, spec, workers);
}

// Nothing where it is not known.
std::optional<double> seconds_per_step(const config::RunConfig& config, const nn::ModelSpec& spec,
                                       const Machine& machine) {
  if (machine.device) return time_of(config, spec, machine).step;
  if (machine.flops_per_second == 0.0) return std::nullopt;
  const RunCost cost = cost_of(config, spec);
  const int workers = machine.place.workers;
  const double of_each = cost.update / (config.parallel.zero > 0 ? workers : 1);
  return ((cost.flops_per_step() - cost.update) / workers + of_each) / machine.flops_per_second;
}

// Of the data sheet's rate, by what the model needs: what is recomputed is not counted.
double utilisation(const RunCost& cost, double seconds, const Machine& machine) {
  return cost.flops_per_token * static_cast<double>(cost.tokens_per_step) /
         (seconds * machine.device->peak * machine.place.workers);
}

// Phases of a micro-batch, and a step's other parts.
Table time_table(const config::RunConfig& config, const nn::ModelSpec& spec, const Machine& machine) {
  const StepWork work = count_step(config, spec, machine.place.workers);
  const StepTime time = time_step(work, *machine.device, config, spec, machine.place.workers);
  Table table({{"phase"}, {"ms", kRight}, {"share", kRight}});
  const auto add = [&](const std::string& name, double seconds) {
    table.add({name, fixed(1e3 * seconds, 2), fixed(100.0 * seconds / time.step, 1) + " %"});
  };
  const auto micro_batches = static_cast<double>(work.micro_batches);
  double on_device = 0.0;
  for (const auto& [phase, seconds] : time.phases) {
    add(phase, micro_batches * seconds);
    on_device += seconds;
  }
  if (time.waits_for_host) add("waits for the host", micro_batches * (time.micro_batch - on_device));
  add("sums, clipping", time.rest);
  add("update", time.update);
  if (machine.place.workers > 1) add("communication that nothing hides", time.exposed);
  add("a step", time.step);
  return table;
}

std::string kept(const RunCost& cost) {
  const int64_t bytes = cost.kept_checkpoints * cost.checkpoint_bytes;
  return str(human_bytes(cost.checkpoint_bytes), " each, ", cost.keeps_all ? "all " : "", cost.kept_checkpoints,
             " kept: ", human_bytes(bytes), cost.keeps_all ? " (checkpoint.keep keeps fewer)" : "");
}

Table work_table(const config::RunConfig& config, const nn::ModelSpec& spec, const Machine& machine) {
  const RunCost cost = cost_of(config, spec);
  const int64_t tokens = cost.tokens_per_step * cost.steps;
  Table table({{""}, {""}});
  table.add({"token", str(significant(cost.flops_per_token / 1e9, 3), " GFLOP, and ",
                          significant(cost.recomputed_per_token / 1e9, 3), " recomputed")});
  table.add({"step", str(config.train.global_batch, " rows, ", with_commas(cost.tokens_per_step), " tokens, ",
                         count_of(cost.flops_per_step() / 1e12), " TFLOP")});
  if (cost.update > 0.0) {
    table.add({"update", str(count_of(cost.update / 1e12), " TFLOP of them in the products of optimizer.kind=",
                             config::enum_name(config.optimizer.kind), ", ",
                             fixed(100.0 * cost.update / cost.flops_per_step(), 1), " % of a step")});
  }
  table.add({"run", str(with_commas(cost.steps), " steps, ", with_commas(tokens), " tokens")});
  if (const auto known = seconds_per_step(config, spec, machine)) {
    const double seconds = *known;
    table.add({"time", str(significant(seconds, 3), " s a step, ",
                           with_commas(static_cast<int64_t>(static_cast<double>(cost.tokens_per_step) / seconds)),
                           " tokens/s, ", human_seconds(seconds * static_cast<double>(cost.steps)), " the run (",
                           fixed(seconds * static_cast<double>(cost.steps) / 3600, 1), " hours), at ", machine.rate)});
    if (machine.device) {
      table.add({"", str("model MFU ", fixed(100.0 * utilisation(cost, seconds, machine), 0), " % of ",
                         significant(machine.device->peak / 1e12, 3), " TFLOP/s; an estimate, nothing was measured")});
    }
  } else {
    table.add({"time", "give --device for times, or --tflops: what a GPU computes at its best, in 10^12 FLOP/s"});
  }
  table.add({"checkpoints", kept(cost)});
  return table;
}

// Whether the config fits as it is, or what would, the smallest change first.
std::string verdict(const PlannedRun& run, const Machine& machine) {
  const config::Recompute wanted = run.config.train.recompute;
  config::RunConfig config = run.config;
  struct Way {
    config::ParallelConfig parallel;
    std::string text;
  };
  Way sharded{config.parallel, ", parallel.zero=1"}, without_sums{config.parallel, {}};
  sharded.parallel.zero = without_sums.parallel.zero = 1;
  without_sums.parallel.virtual_ranks = machine.place.workers;
  without_sums.text = str(sharded.text, " parallel.virtual_ranks=", without_sums.parallel.virtual_ranks);
  std::vector<Way> ways{{config.parallel, {}}};
  if (config.lisa.layers == 0) ways.push_back(sharded);
  if (config.lisa.layers == 0 && can_have_one_rank_each(machine.place.workers)) ways.push_back(without_sums);
  for (const Way& way : ways) {
    for (const config::Recompute recompute : {wanted, config::Recompute::kAuto}) {
      config.parallel = way.parallel;
      config.train.recompute = recompute;
      const auto fitting = fitting_recompute(config, run.spec, machine.place, machine.room());
      if (fitting) return "yes" + (*fitting == wanted ? "" : ", recompute=" + name_of(*fitting)) + way.text;
    }
  }
  return "no";
}

}  // namespace

Table memory_table(const MemoryPlan& plan, int64_t taken, const std::string& taken_by) {
  Table table({{"class"}, {"bytes", kRight}, {"", kRight}, {"share", kRight}});
  const int64_t total = plan.device_bytes() + taken;
  const auto add = [&](const std::string& name, int64_t bytes) {
    if (bytes > 0) table.add({name, with_commas(bytes), human_bytes(bytes), share(bytes, total)});
  };
  for (const auto& [name, bytes] : bytes_by_class(plan)) {
    add(name, bytes);
    if (name == strata::name_of(MemoryClass::kActivations)) add("  of a layer", bytes_of_a_layer(plan.buffers));
  }
  add(taken_by, taken);
  add("total", total);
  return table;
}

std::string plan_report(const PlannedRun& run, const Machine& machine) {
  const config::RunConfig config = with_recompute(run.config, run.spec, machine.place, machine.room());
  const config::Precision precision = nn::options_for(config, machine.place.device).precision;
  const bool has_host = machine.place.device != at::kCPU;
  const bool is_auto = run.config.train.recompute == config::Recompute::kAuto;
  std::string report = str(run.name, ": ", config.norm.scheme, ", ", with_commas(run.spec.layout.count()),
                           " parameters, ", config::enum_name(precision), ", on ", workers_of(machine.place), "\n");
  report += section(str("memory", has_host ? " of the first GPU" : "", ": micro-batches of ", config.train.micro_batch,
                        " rows of up to ", config.data.sequence_length, " tokens, recompute ",
                        name_of(config.train.recompute), is_auto ? " (auto)" : ""),
                    memory_table(plan_memory(config, run.spec, machine.place), machine.taken, machine.taken_by));
  if (has_host) report += section("memory of the host, for all workers", host_table(config, run.spec, machine.place));
  report += section("what fits into " + human_bytes(machine.memory), fit_table(run, machine));
  if (machine.device) {
    report +=
        section(str("time of a step on ", machine.place.workers, " x ", machine.device->name, ", by its launches"),
                time_table(config, run.spec, machine));
  }
  return report + section("work, if all rows are full", work_table(config, run.spec, machine));
}

Table overview_table(bool has_times, bool has_utilisation) {
  std::vector<Table::Column> columns{
      {"config"}, {"workers", kRight},       {"micro-batch", kRight}, {"recompute"},    {"takes", kRight},
      {"fits"},   {"largest: none", kRight}, {"ffn", kRight},         {"layer", kRight}};
  if (has_times) columns.insert(columns.end(), {{"a step", kRight}, {"the run", kRight}});
  if (has_utilisation) columns.push_back({"MFU", kRight});
  return Table(columns);
}

std::vector<std::string> overview_line(const PlannedRun& run, const Machine& machine) try {
  config::RunConfig config = with_recompute(run.config, run.spec, machine.place, machine.room());
  const RunCost cost = cost_of(config, run.spec);
  const config::Recompute recompute = config.train.recompute;
  std::vector<std::string> cells{
      run.name,
      str(machine.place.workers),
      str(config.train.micro_batch),
      name_of(run.config.train.recompute),
      human_bytes(plan_memory(config, run.spec, machine.place).device_bytes() + machine.taken),
      verdict(run, machine)};
  for (const config::Recompute tried : kRecomputes) {
    config.train.recompute = tried;
    cells.push_back(size_or_none(largest_micro_batch(config, run.spec, machine.place, machine.room())));
  }
  config.train.recompute = recompute;
  if (const auto seconds = seconds_per_step(config, run.spec, machine)) {
    cells.push_back(significant(*seconds, 3) + " s");
    cells.push_back(human_seconds(*seconds * static_cast<double>(cost.steps)));
    if (machine.device) cells.push_back(fixed(100.0 * utilisation(cost, *seconds, machine), 0) + " %");
  }
  return cells;
} catch (const UsageError& cannot) {
  return {run.name, str(machine.place.workers), cannot.what()};
}

}  // namespace strata::plan
