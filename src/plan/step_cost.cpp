#include "strata/plan/step_cost.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "plan/device_file.h"
#include "strata/base/check.h"
#include "strata/base/integers.h"
#include "strata/base/text.h"
#include "strata/kernels/clip.h"
#include "strata/nn/of_config.h"
#include "strata/train/training.h"

namespace strata::plan {
namespace {

using kernels::Launch;
using nlohmann::json;

const json& device_file() {
  static const json file = json::parse(devices_json());
  return file;
}

// Full rows, without ids: on `meta` nobody reads them.
data::TokenBatch full_batch(const config::RunConfig& config) {
  const data::TokenRows rows(static_cast<size_t>(config.train.micro_batch),
                             std::vector<int64_t>(static_cast<size_t>(config.data.sequence_length), 0));
  data::TokenBatch batch =
      data::TokenBatch::from_rows(rows, nullptr, config.model.vocab, nn::batch_shape_for(config, at::kCUDA));
  for (const data::BatchTensor& tensor : data::kBatchTensors) {
    batch.*tensor.member = (batch.*tensor.member).to(at::kMeta);
  }
  return batch;
}

// As Step has it: the parts of a step are added up, and the gradients decide with the loss.
void add_up_and_clip(train::Training& training) {
  train::DataParallel& parallel = training.parallel;
  const train::StepNumbers& numbers = parallel.numbers;
  const nn::Parameters& parameters = training.model.parameters();
  parallel.reduction.begin();
  for (int64_t part = 1; part < parallel.virtual_ranks; ++part) parallel.reduction.end_virtual_rank();
  const nn::FinalGradients add_parts = parallel.reduction.when_final();
  if (add_parts) add_parts({0, parameters.gradients().numel()});
  parallel.gradient_meter.measure(numbers.gradients, parameters.gradients());
  kernels::clip(numbers.outcome, {}, numbers.total().loss, parallel.gradient_meter.squares_P(numbers.gradients),
                parallel.gradient_meter.is_gate_P());
}

void update(train::Training& training) {
  const nn::Parameters& parameters = training.model.parameters();
  training.optimizer->update({.values = parameters.master(),
                              .value_ranges = parameters.master_ranges(),
                              .gradients = parameters.gradients(),
                              .copy = parameters.is_mixed() ? parameters.values() : at::Tensor()},
                             0, 1e-3, training.parallel.numbers.outcome);
}

double seconds_per(double work, double rate) { return work / rate; }

// A product is cut into tiles, which multiprocessors take in waves; where there are fewer tiles than that, its sums
// over k are cut as well, and added up in fp32.
double seconds_of_gemm(const Launch& gemm, const DeviceRates& device, double rate) {
  struct Tile {
    int64_t rows, columns;
    double share;  // of the rate of large products
  };
  constexpr Tile kTiles[] = {{128, 256, 1.0}, {128, 128, 0.9}, {64, 128, 0.7}, {64, 64, 0.5}};
  constexpr int64_t kLeastDepth = 256;
  double best = std::numeric_limits<double>::infinity();
  for (const Tile& tile : kTiles) {
    const int64_t tiles = quotient_up(gemm.m, tile.rows) * quotient_up(gemm.n, tile.columns);
    for (int64_t cuts = 1; cuts == 1 || gemm.k / cuts >= kLeastDepth; cuts *= 2) {
      const int64_t waves = quotient_up(tiles * cuts, device.multiprocessors);
      const double flops = 2.0 * static_cast<double>(tile.rows * tile.columns) *
                           static_cast<double>(quotient_up(gemm.k, cuts)) *
                           static_cast<double>(waves * device.multiprocessors);
      const double added = cuts == 1 ? 0.0 : 8.0 * static_cast<double>(cuts * gemm.m * gemm.n);
      best = std::min(best, seconds_per(flops, rate * tile.share) + seconds_per(added, device.bandwidth));
    }
  }
  return std::max(best, seconds_per(gemm.bytes, device.bandwidth));
}

double share_of(const std::string& kernel) {
  const json& shares = device_file().at("kernels");
  return shares.contains(kernel) ? shares.at(kernel).get<double>() : 1.0;
}

double microseconds(const char* what) { return 1e-6 * device_file().at("launch").at(what).get<double>(); }

// On the device, with the gap before it.
double seconds_of(const Launch& launch, const DeviceRates& device, double rate) {
  const auto launches = static_cast<double>(launch.launches);
  double seconds = 0.0;
  if (launch.m > 0) {
    seconds = seconds_of_gemm(launch, device, rate);
  } else if (launch.flops > 0.0) {
    seconds = std::max(seconds_per(launch.flops, rate * share_of(launch.kernel)),
                       seconds_per(launch.bytes, device.bandwidth));
  } else {
    seconds = seconds_per(launch.bytes, device.bandwidth * share_of(launch.kernel));
  }
  return std::max(seconds, launches * microseconds("least")) + launches * microseconds("gap");
}

double seconds_of(const std::vector<Launch>& work, const DeviceRates& device, double rate) {
  double seconds = 0.0;
  for (const Launch& launch : work) seconds += seconds_of(launch, device, rate);
  return seconds;
}

// Every worker's gradients go to the others and the sums come back; ZeRO brings values in their place.
double seconds_of_exchange(const config::RunConfig& config, const nn::ModelSpec& spec, const DeviceRates& device,
                           int workers) {
  const bool in_bf16 = nn::options_for(config, at::kCUDA).precision == config::Precision::kBf16;
  const double bytes = (in_bf16 ? 2.0 : 4.0) * static_cast<double>(spec.trained.arena_size);
  return 2.0 * bytes * (workers - 1) / workers / device.link;
}

}  // namespace

StepWork count_step(const config::RunConfig& config, const nn::ModelSpec& spec, int workers) {
  const auto alone = workers::alone();
  config::RunConfig of_one = config;  // what workers add up among themselves is no launch of this GPU's
  of_one.train.global_batch = config.train.global_batch / workers;
  of_one.parallel.virtual_ranks = train::divide(config, workers).ranks_per_worker();
  const data::TokenBatch batch = full_batch(config);
  kernels::LaunchLog log;
  Allocator memory = Allocator::planning(at::kCUDA);
  train::Training training(of_one, spec, log.gemm(), *alone, {}, memory);
  const at::Tensor number = at::empty({}, at::TensorOptions(at::kMeta).dtype(at::kDouble));
  log.follow(training.model.clock());
  log.take();
  training.model.add_loss_and_gradients(number, batch, number);
  StepWork work{.micro_batch = log.take(), .rest = {}, .update = {}};
  add_up_and_clip(training);
  work.rest = log.take();
  update(training);
  work.update = log.take();
  work.micro_batches = train::divide(config, workers).micro_batches / workers;
  work.tokens = config.train.micro_batch * config.data.sequence_length;
  return work;
}

int64_t launches_of(const std::vector<Launch>& work) {
  int64_t launches = 0;
  for (const Launch& launch : work) launches += launch.launches;
  return launches;
}

Table launch_table(const std::vector<Launch>& work) {
  struct Line {
    std::string phase, kernel;
    Launch sum;
  };
  std::vector<Line> lines;
  for (const Launch& launch : work) {
    auto line = std::ranges::find_if(
        lines, [&](const Line& one) { return one.phase == launch.phase && one.kernel == launch.kernel; });
    if (line == lines.end()) line = lines.insert(lines.end(), {launch.phase, launch.kernel, {.launches = 0}});
    line->sum.launches += launch.launches;
    line->sum.bytes += launch.bytes;
    line->sum.flops += launch.flops;
  }
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"phase"}, {"kernel"}, {"launches", kRight}, {"MB", kRight}, {"GFLOP", kRight}});
  Launch total{.launches = 0};
  for (const Line& line : lines) {
    table.add({line.phase.empty() ? "-" : line.phase, line.kernel, with_commas(line.sum.launches),
               fixed(line.sum.bytes / 1e6, 1), fixed(line.sum.flops / 1e9, 1)});
    total.launches += line.sum.launches;
    total.bytes += line.sum.bytes;
    total.flops += line.sum.flops;
  }
  table.add({"total", "", with_commas(total.launches), fixed(total.bytes / 1e6, 1), fixed(total.flops / 1e9, 1)});
  return table;
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const auto& [name, device] : device_file().at("devices").items()) names.push_back(name);
  return names;
}

DeviceRates device_rates(const std::string& name) {
  const json& devices = device_file().at("devices");
  if (!devices.contains(name)) {
    throw UsageError(str("--device: unknown GPU \"", name, "\" (known: ", join(device_names(), " "), ")"));
  }
  const json& device = devices.at(name);
  const auto reached = [&](const char* what) { return device.at(what).at(1).get<double>(); };
  return {.name = name,
          .multiprocessors = device.at("multiprocessors"),
          .memory = static_cast<int64_t>(device.at("memory").get<double>()),
          .peak = 1e12 * device.at("bf16").at(0).get<double>(),
          .bf16 = 1e12 * reached("bf16"),
          .fp32 = 1e12 * reached("fp32"),
          .bandwidth = 1e9 * reached("bandwidth"),
          .link = 1e9 * reached("link")};
}

StepTime time_step(const StepWork& work, const DeviceRates& device, const config::RunConfig& config,
                   const nn::ModelSpec& spec, int workers) {
  const bool in_fp32 = nn::options_for(config, at::kCUDA).precision == config::Precision::kFp32;
  const double rate = in_fp32 ? device.fp32 : device.bf16;
  std::map<std::string, double> phases;
  for (const Launch& launch : work.micro_batch) {
    phases[launch.phase.empty() ? "other" : launch.phase] += seconds_of(launch, device, rate);
  }
  StepTime time{.phases = {phases.begin(), phases.end()}};
  std::ranges::sort(time.phases, std::greater(), &std::pair<std::string, double>::second);
  const double on_device = seconds_of(work.micro_batch, device, rate);
  const double by_host =
      config.train.cuda_graph ? 0.0 : static_cast<double>(launches_of(work.micro_batch)) * microseconds("host");
  time.waits_for_host = by_host > on_device;
  time.micro_batch = std::max(on_device, by_host);
  time.rest = seconds_of(work.rest, device, rate);
  time.update = seconds_of(work.update, device, rate) / (config.parallel.zero > 0 ? workers : 1);
  if (workers > 1) {
    constexpr double kBackward = 2.0 / 3.0;  // of the last micro-batch, during which buckets travel
    time.communication = seconds_of_exchange(config, spec, device, workers);
    time.exposed = std::max(0.0, time.communication - kBackward * time.micro_batch);
  }
  time.step = static_cast<double>(work.micro_batches) * time.micro_batch + time.rest + time.update + time.exposed;
  return time;
}

}  // namespace strata::plan
