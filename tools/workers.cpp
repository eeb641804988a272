#include "workers.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/dist/gloo.h"
#include "strata/io/file.h"
#include "strata/train/division.h"

namespace strata::tools {

train::SaveGroup Workers::save_group(const config::ParallelConfig& config) const {
  if (!store) return {};
  const std::chrono::seconds timeout(config.timeout_seconds);
  return {self.rank, self.world_size, store->another_connection(), timeout};
}

Workers join_workers(const config::RunConfig& config, const TrainingData&) {
  const auto self = dist::worker_of_environment();
  if (!self || self->world_size == 1) return {.self = {}, .store = {}, .group = dist::alone()};
  log::speak_as(str("[rank ", self->rank, "] "));
  if (self->rank > 0) log::quiet();
  train::divide(config, self->world_size);  // says what does not fit before anybody waits
  const std::chrono::seconds timeout(config.parallel.timeout_seconds);
  Workers workers{.self = *self, .store = dist::meet(*self, timeout), .group = nullptr};
  workers.group = dist::connect_gloo(
      workers.store->under("gloo/"),
      {.rank = self->rank, .world_size = self->world_size, .interface = config.parallel.interface, .timeout = timeout});
  return workers;
}

void check_shared(const std::filesystem::path& run, dist::Communicator& workers) {
  if (workers.world_size() == 1) return;
  const std::filesystem::path mark = run / ".seen_by_all_workers";
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const std::string token = str(now, " ", getpid());
  if (workers.is_first()) io::write_atomically(mark, token);
  const std::string expected = dist::broadcast_text(workers, token);
  const bool is_seen = std::filesystem::exists(mark) && io::read_text(mark) == expected;
  workers.barrier();
  if (workers.is_first()) std::filesystem::remove(mark);
  if (!is_seen) {
    throw UsageError(str("run.dir: ", run.string(),
                         " is another folder here than on the first worker's host; it has to lie on a file "
                         "system that all workers share"));
  }
}

}  // namespace strata::tools
