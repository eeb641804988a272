// strata bench step: how long forward and backward take, and where the time goes.
#include <algorithm>
#include <iostream>
#include <numeric>
#include <optional>

#include "../config_arguments.h"
#include "../token_rows.h"
#include "bench.h"
#include "strata/base/check.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/kernels/clip.h"
#include "strata/nn/of_config.h"
#include "strata/nn/report.h"
#include "strata/run/device.h"
#include "strata/train/training.h"
#include "timing.h"

namespace strata::tools {
namespace {

struct BenchArguments {
  ConfigArguments config;
  std::string ids;
  int64_t rows = 0;
  int64_t steps = 5;
  bool update = false;
};

// The optimizer of all parameters, on one worker, with a rate of nought.
struct Update {
  Update(const config::RunConfig& config, nn::Model& model, const kernels::Gemm& gemm, Allocator& allocator)
      : parameters(model.parameters()),
        optimizer(optim::make_optimizer(train::setup_of(config, parameters, gemm, allocator.device_type()),
                                        train::trained_params(config, model.spec().layout, model.spec().trained),
                                        {{0, model.spec().layout.arena_size}}, allocator)),
        outcome(allocator.zeros(MemoryClass::kWorkspace, "outcome", {kernels::kClipNumbers}, at::kDouble).fill_(1.0)) {}

  void operator()() const {
    optimizer->update({.values = parameters.master(),
                       .value_ranges = parameters.master_ranges(),
                       .gradients = parameters.gradients(),
                       .copy = parameters.is_mixed() ? parameters.values() : at::Tensor()},
                      0, 0.0, outcome);
  }

  const nn::Parameters& parameters;
  std::unique_ptr<optim::Optimizer> optimizer;
  at::Tensor outcome;
};

data::TokenRows make_rows(const BenchArguments& arguments, const config::RunConfig& config) {
  if (!arguments.ids.empty()) return read_token_rows(arguments.ids);
  const int64_t rows = arguments.rows > 0 ? arguments.rows : config.train.micro_batch;
  return random_rows(rows, config.data.sequence_length, config.model.vocab, static_cast<uint64_t>(config.run.seed));
}

// The device's rate on the two largest products of a step, in GFLOP/s.
struct GemmRate {
  at::TensorOptions options;  // of the products
  double best = 0.0;
  std::string text = {};

  const char* name() const { return options.dtype() == at::kFloat ? "sgemm" : "bf16 gemm"; }
  void measure(const kernels::Gemm& gemm, int64_t m, int64_t k, int64_t n) {
    const double rate = kernels::measure_gemm(gemm, m, n, k, options);
    best = std::max(best, rate);
    text += str(text.empty() ? "" : ", ", fixed(rate, 1), " on ", m, "x", k, "x", n);
  }
};

GemmRate gemm_rate(const kernels::Gemm& gemm, const config::RunConfig& config, const nn::ModelOptions& model,
                   const at::Device& device, int64_t tokens) {
  const auto dtype = model.precision == config::Precision::kFp32 ? at::kFloat : at::kBFloat16;
  GemmRate rate{.options = at::TensorOptions(device).dtype(dtype)};
  rate.measure(gemm, tokens, config.model.hidden, 2 * config.model.intermediate);
  rate.measure(gemm, std::min(model.loss_chunk, tokens), config.model.hidden, config.model.vocab);
  return rate;
}

std::string memory_text(const Allocator& allocator, const run::RunDevice& device) {
  const std::string planned = human_bytes(allocator.total_bytes()) + " planned, ";
  if (device.cuda) return planned + human_bytes(device.cuda->peak_allocated_bytes()) + " allocated at most";
  return planned + human_bytes(peak_resident_bytes()) + " resident at most";
}

void run(const BenchArguments& arguments) {
  config::RunConfig config = arguments.config.load();
  run::set_threads(config.run);
  const run::RunDevice device = run::open_device(config.run);
  const auto gemm = run::open_gemm(config.run, run::gemm_use(config), device);
  const data::TokenRows rows = make_rows(arguments, config);
  config.train.micro_batch = static_cast<int64_t>(rows.size());
  config.train.cuda_graph = false;  // its phases could not be told apart
  const auto batch =
      data::TokenBatch::from_rows(rows, nullptr, config.model.vocab, nn::batch_shape_for(config, device.device.type()));
  const nn::ModelSpec spec = nn::describe(config.model, config.norm);
  if (config.train.recompute == config::Recompute::kAuto) config.train.recompute = config::Recompute::kNone;
  const nn::ModelOptions options = nn::options_for(config, device.device.type());
  const GemmRate rate = gemm_rate(*gemm, config, options, device.device, batch.num_tokens());
  Allocator allocator(device.device);
  nn::Model model(spec, options, *gemm, allocator);
  model.parameters().initialise(static_cast<uint64_t>(config.run.seed));
  std::optional<Update> update;
  if (arguments.update) update.emplace(config, model, *gemm, allocator);
  const std::vector<double> seconds =
      time_steps(model, batch, arguments.steps, update ? std::function<void()>([&] { (*update)(); }) : nullptr);

  const double best = seconds.front();
  const double speed = flops(config.model, rows) / best / 1e9;
  Table table({{""}, {""}});
  table.add(
      {"model", str(arguments.config.path, ", ", config.norm.scheme, ", ", config::enum_name(options.precision))});
  table.add({"batch", str(rows.size(), " rows, ", with_commas(batch.num_real_tokens()), " tokens")});
  table.add({"step", str(fixed(best, 3), " s best, ", fixed(seconds[seconds.size() / 2], 3), " s median of ",
                         seconds.size(), ", forward and backward", arguments.update ? ", and the update" : "")});
  table.add({"speed", str(fixed(static_cast<double>(batch.num_real_tokens()) / best, 0), " tokens/s, ", fixed(speed, 1),
                          " GFLOP/s, ", percent(speed, rate.best), " of the ", rate.name(), " rate")});
  table.add({rate.name(), str(gemm->name(), ", ", run::place_text(device), ", GFLOP/s: ", rate.text)});
  table.add({"memory", memory_text(allocator, device)});
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  std::cout << table.text() << "\n" << phase_table(model.clock(), total, arguments.steps).text();
}

}  // namespace

void add_bench_step(const Command& bench) {
  const auto arguments = std::make_shared<BenchArguments>();
  const Command command = bench.add("step", "time forward and backward of a config's model");
  add_config_option(command, arguments->config);
  add_override_option(command, arguments->config);
  const Option rows = command.option("--rows", arguments->rows, "rows of random ids; default: train.micro_batch");
  rows.positive();
  command.option("--ids", arguments->ids, "JSON array of rows of token ids, instead of random ones").excludes(rows);
  command.flag("--update", arguments->update, "with the update of optimizer.kind, as a phase; a run makes one a step");
  command.option("--steps", arguments->steps, "steps after the warm-up").positive().shows_default();
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
