// strata bench kernels: how near Strata's kernels come to the speed at which memory can be copied.
#include <algorithm>
#include <iostream>
#include <optional>

#include "bench.h"
#include "kernel_cases.h"
#include "strata/base/check.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/nn/model.h"
#include "strata/nn/of_config.h"
#include "strata/nn/parameters.h"
#include "strata/run/device.h"
#include "strata/run/settle.h"
#include "timing.h"

namespace strata::tools {
namespace {

// Arenas as large as this are out of every cache, and small enough for every machine.
constexpr int64_t kMostParameters = int64_t{1} << 26;

struct KernelsArguments {
  std::string config = {};
  std::optional<config::Device> device = {};
  std::optional<config::Precision> precision = {};
  std::optional<int64_t> tokens = {}, hidden = {}, intermediate = {}, heads = {}, vocab = {}, threads = {};
};

// Without a config the shapes of 350m.
config::RunConfig config_of(const KernelsArguments& arguments) {
  config::RunConfig config;
  config.model.hidden = 1024;
  config.model.intermediate = 2736;
  config.model.layers = 24;
  config.model.heads = 16;
  config.train.micro_batch = 16;
  if (!arguments.config.empty()) config = run::load_config(arguments.config, {});
  config.run.device = arguments.device.value_or(config.run.device);
  config.run.threads = arguments.threads.value_or(config.run.threads);
  config.train.precision = arguments.precision.value_or(config.train.precision);
  config.model.hidden = arguments.hidden.value_or(config.model.hidden);
  config.model.intermediate = arguments.intermediate.value_or(config.model.intermediate);
  config.model.heads = arguments.heads.value_or(config.model.heads);
  config.model.vocab = arguments.vocab.value_or(config.model.vocab);
  config.model.validate();
  return config;
}

KernelSizes sizes_of(const config::RunConfig& config, std::optional<int64_t> tokens, const at::Device& device) {
  const nn::ModelOptions model = nn::options_for(config, device.type());
  return {.dims = config.model,
          .tokens = tokens.value_or(config.train.micro_batch * config.data.sequence_length),
          .row = config.data.sequence_length,
          .loss_chunk = model.loss_chunk,
          .parameters = std::min(nn::describe(config.model, config.norm).layout.count(), kMostParameters),
          .dtype = model.precision == config::Precision::kFp32 ? at::kFloat : at::kBFloat16,
          .gradient_dtype = nn::stored_dtype(model.precision),
          .device = device};
}

std::vector<std::string> measure(const KernelCase& kernel, const at::Device& device, double copied_per_second) {
  const PreparedKernel prepared = kernel.prepare();
  const double seconds = seconds_of(prepared.run, device);
  std::vector<std::string> cells{kernel.name, prepared.shape, fixed(1e6 * seconds, 1)};
  if (prepared.flops > 0.0) {
    cells.insert(cells.end(), {significant(prepared.flops / seconds * 1e-12, 3) + " TFLOP/s", "-"});
  } else {
    const double rate = prepared.bytes / seconds;
    cells.insert(cells.end(), {fixed(rate * 1e-9, 1) + " GB/s", percent(rate, copied_per_second)});
  }
  return cells;
}

void run(const KernelsArguments& arguments) {
  const config::RunConfig config = config_of(arguments);
  run::set_threads(config.run);
  const run::RunDevice device = run::open_device(config.run);
  const KernelSizes sizes = sizes_of(config, arguments.tokens, device.device);
  const double copied = copied_bytes_per_second(device.device);
  Table table({{"kernel"},
               {"shape"},
               {"us", Table::Align::kRight},
               {"rate", Table::Align::kRight},
               {"of a copy", Table::Align::kRight}});
  for (const KernelCase& kernel : kernel_cases(sizes)) table.add(measure(kernel, device.device, copied));
  std::cout << run::place_text(device) << ", " << c10::toString(sizes.dtype)
            << "; a large copy: " << fixed(copied * 1e-9, 1)
            << " GB/s. Bytes are the least that has to move. A kernel may beat a copy: on a processor a copy also "
               "fetches what it overwrites, and what fits into a cache moves faster.\n"
            << table.text() << std::flush;
}

}  // namespace

void add_bench_kernels(const Command& bench) {
  const auto arguments = std::make_shared<KernelsArguments>();
  const Command command = bench.add("kernels", "GB/s of every kernel of a step, beside those of a copy");
  command.option("config", arguments->config, "YAML file whose shapes they have; default: 350m's");
  command.choice("--device", arguments->device, by_name<config::Device>(), "what computes; default: run.device");
  command.choice("--precision", arguments->precision, by_name<config::Precision>(), "default: train.precision");
  const auto number = [&](const char* flag, std::optional<int64_t>& value, const char* help) {
    command.option(flag, value, help).range(1, 1 << 20);
  };
  number("--tokens", arguments->tokens, "of a micro-batch");
  number("--hidden", arguments->hidden, "width of the residual stream");
  number("--intermediate", arguments->intermediate, "width inside the feed-forward");
  number("--heads", arguments->heads, "query heads");
  number("--vocab", arguments->vocab, "classes");
  number("--threads", arguments->threads, "on the CPU");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
