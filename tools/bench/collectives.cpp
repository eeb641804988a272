// strata bench collectives: how fast gradients travel among workers.
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <iostream>

#include "bench.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/config/enums.h"
#include "strata/run/workers.h"

namespace strata::tools {
namespace {

using workers::SumOrder;

struct CollectivesArguments {
  std::string backend = "gloo";
  std::string interface = {};
  int64_t largest_mb = 64;
  int64_t repeats = 5;
};

// What every worker has for the others to add: fp32 where the backend moves it from.
at::Tensor values_for(const workers::Communicator& workers, const workers::Worker& self, int64_t megabytes) {
  const int64_t numbers = megabytes * 1'000'000 / 4 / workers.world_size() * workers.world_size();
  if (std::string(workers.backend()) != "nccl") return at::zeros({numbers}, at::kFloat);
  const c10::Device gpu(c10::kCUDA, static_cast<c10::DeviceIndex>(self.local_rank));
  return at::zeros({numbers}, at::TensorOptions(gpu).dtype(at::kFloat));
}

void sum_and_gather(workers::Communicator& workers, const at::Tensor& values, SumOrder order) {
  const at::Tensor slice = workers::slice_of(workers, values);
  const auto summed = workers.reduce_scatter(slice, values, order);
  const auto gathered = workers.all_gather(values, slice);
  summed->wait();
  gathered->wait();
}

// Seconds of the slowest worker, the mean of several goes behind each other.
template <class Collective>
double seconds_of_collective(workers::Communicator& workers, const at::Tensor& values, int64_t repeats,
                             const Collective& collective) {
  using Clock = std::chrono::steady_clock;
  const auto finish = [&] { values.narrow(0, 0, 1).item<float>(); };  // a GPU may still be at it
  collective();
  finish();
  workers.barrier();
  const auto start = Clock::now();
  for (int64_t i = 0; i < repeats; ++i) collective();
  finish();
  const double mine = std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(repeats);
  return std::ranges::max(workers::gather_numbers(workers, {mine}));
}

std::vector<std::string> measure(workers::Communicator& workers, const at::Tensor& values, int64_t repeats) {
  const double world = workers.world_size();
  // As nccl-tests counts: the bytes that an all-reduce has to move through each worker's link, in and out.
  const auto rate = [&](double seconds) {
    return fixed(2.0 * (world - 1.0) / world * static_cast<double>(values.nbytes()) / seconds * 1e-9, 2);
  };
  std::vector<std::string> cells{human_bytes(static_cast<int64_t>(values.nbytes()))};
  for (const SumOrder order : {SumOrder::kFixed, SumOrder::kFast}) {
    const bool is_a_tree = order == SumOrder::kFast || std::has_single_bit(static_cast<unsigned>(workers.world_size()));
    const auto collective = [&] { sum_and_gather(workers, values, order); };
    cells.push_back(is_a_tree ? rate(seconds_of_collective(workers, values, repeats, collective)) : "-");
  }
  const auto all_reduce = [&] { workers.all_reduce(values, SumOrder::kFast)->wait(); };
  cells.push_back(rate(seconds_of_collective(workers, values, repeats, all_reduce)));
  return cells;
}

void run(const CollectivesArguments& arguments) {
  const auto self = workers::worker_of_environment();
  if (!self || self->world_size == 1) {
    throw UsageError(
        "bench collectives: there is one worker; strata launch --nproc-per-node 2 bench collectives starts two");
  }
  log::speak_as(str("[rank ", self->rank, "] "));
  config::ParallelConfig config{.interface = arguments.interface, .timeout_seconds = 60};
  if (arguments.backend == "nccl") config.backend = config::Backend::kNccl;
  const std::chrono::seconds timeout(config.timeout_seconds);
  const workers::Store store = workers::meet(*self, timeout);
  const auto workers = run::connect_workers(store, *self, config, at::kCPU, timeout);
  Table table({{"fp32"},
               {"sum and gather, fixed order", Table::Align::kRight},
               {"fast", Table::Align::kRight},
               {"all-reduce, fast", Table::Align::kRight}});
  for (int64_t megabytes = 1; megabytes <= arguments.largest_mb; megabytes *= 2) {
    table.add(measure(*workers, values_for(*workers, *self, megabytes), arguments.repeats));
  }
  if (!workers->is_first()) return workers->barrier();
  std::cout << workers->world_size() << " workers over " << workers->backend()
            << "; GB/s of the bus, as nccl-tests counts it\n"
            << table.text() << std::flush;
  workers->barrier();  // the first worker may be serving the store
}

}  // namespace

void add_bench_collectives(const Command& bench) {
  const auto arguments = std::make_shared<CollectivesArguments>();
  const Command command = bench.add("collectives", "GB/s among workers (strata launch starts them)");
  command.option("--backend", arguments->backend, "what carries them: gloo, nccl").one_of({"gloo", "nccl"});
  command.option("--interface", arguments->interface, "network interface of gloo");
  command.option("--largest", arguments->largest_mb, "MB; from 1 in powers of two").range(1, 4096);
  command.option("--repeats", arguments->repeats, "of each measurement").range(1, 1000);
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
