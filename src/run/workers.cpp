#include "strata/run/workers.h"

#include <unistd.h>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/base/threads.h"
#include "strata/base/version.h"
#include "strata/config/print.h"
#include "strata/io/file.h"
#include "strata/train/division.h"
#include "strata/workers/by_device.h"
#include "strata/workers/gloo.h"
#include "strata/workers/nccl.h"

namespace strata::run {
namespace {

// A backend's own timeout comes after the one that names who is hung.
constexpr std::chrono::seconds kCourtesy{10};

Agreement agreement_of(const config::RunConfig& config, const RunInput& input) {
  Agreement agreement{{"data", hex(input.fingerprint())}, {"tokenizer", hex(input.tokenizer_fingerprint())}};
  if (!input.model_fingerprint().empty()) agreement.emplace_back("model", input.model_fingerprint());
  for (const auto& [key, value] : config::flatten(config)) {
    if (config::is_shared(config::affects_of(key))) agreement.emplace_back(key, value);
  }
  return agreement;
}

workers::Introduction introduction_of(const Agreement& agreement, const RunDevice& device) {
  workers::Introduction mine{.host = host_name(), .pid = getpid(), .device = device.name()};
  if (device.cuda) mine.gpu = device.cuda->identity();
  mine.must_agree = {{"Strata", version()}, {"LibTorch", torch_version()}, {"threads", std::to_string(num_threads())}};
  mine.must_agree.insert(mine.must_agree.end(), agreement.begin(), agreement.end());
  return mine;
}

// This process among the others, as which it speaks from now on; nothing where it is alone.
std::optional<workers::Worker> one_of_several() {
  auto self = workers::worker_of_environment();
  if (!self || self->world_size == 1) return std::nullopt;
  log::speak_as(str("[rank ", self->rank, "] "));
  if (self->rank > 0) log::quiet();
  if (self->local_rank > 0) log::without_last_words();
  return self;
}

}  // namespace

train::SaveGroup Workers::save_group() const {
  if (!store) return {};
  return {self.rank, self.world_size, store->another_connection(), timeout};
}

void Workers::watch_each_other() {
  if (!store) return;
  const auto end = [](const std::string& message) {
    log::error(message);
    _exit(1);  // the thread that computes may never come back
  };
  heart = std::make_unique<workers::Heartbeat>(*store, self.rank, introductions, timeout, end);
  communicator->set_watcher(heart.get());
}

void Workers::leave() const {
  if (heart) heart->leave(timeout);
}

std::unique_ptr<workers::Communicator> connect_workers(const workers::Store& store, const workers::Worker& self,
                                                       const config::ParallelConfig& config, at::DeviceType device,
                                                       workers::Store::Seconds timeout) {
  const bool on_gpus = device == at::kCUDA;
  if (on_gpus && config.backend == config::Backend::kGloo) {
    throw UsageError("parallel.backend=gloo: carries what lies in the host's memory; workers with GPUs need nccl");
  }
  const auto gloo = [&] {
    return workers::connect_gloo(
        store.under("gloo/"),
        {.rank = self.rank, .world_size = self.world_size, .interface = config.interface, .timeout = timeout});
  };
  const auto nccl = [&] {
    return workers::connect_nccl(
        store.under("nccl/"),
        {.rank = self.rank, .world_size = self.world_size, .device = gpu_index(self.local_rank), .timeout = timeout});
  };
  if (on_gpus) {
    auto for_host = gloo();
    return workers::by_device(std::move(for_host), nccl());
  }
  return config.backend == config::Backend::kNccl ? nccl() : gloo();
}

Workers join_workers(const Agreement& agreement, const config::ParallelConfig& parallel, const RunDevice& device) {
  const auto self = one_of_several();
  if (!self) return {.self = {}, .communicator = workers::alone()};
  const std::chrono::seconds timeout(parallel.timeout_seconds);
  Workers workers{.self = *self, .timeout = timeout, .store = workers::meet(*self, timeout)};
  workers.introductions = workers::introduce(*workers.store, *self, introduction_of(agreement, device), timeout);
  workers.communicator = connect_workers(*workers.store, *self, parallel, device.device.type(), timeout + kCourtesy);
  return workers;
}

Workers join_workers(const config::RunConfig& config, const RunInput& input, const RunDevice& device) {
  // Says what does not fit before anybody waits.
  if (const auto self = one_of_several()) train::divide(config, self->world_size);
  return join_workers(agreement_of(config, input), config.parallel, device);
}

void check_shared(const std::filesystem::path& run, workers::Communicator& workers) {
  if (workers.world_size() == 1) return;
  const std::filesystem::path mark = run / ".seen_by_all_workers";
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const std::string token = str(now, " ", getpid());
  if (workers.is_first()) io::write_atomically(mark, token);
  const std::string expected = workers::broadcast_text(workers, token);
  const bool is_seen = std::filesystem::exists(mark) && io::read_text(mark) == expected;
  workers.barrier();
  if (workers.is_first()) std::filesystem::remove(mark);
  if (!is_seen) {
    throw UsageError(str("run.dir: ", run.string(),
                         " is another folder here than on the first worker's host; it has to lie on a file "
                         "system that all workers share"));
  }
}

}  // namespace strata::run
