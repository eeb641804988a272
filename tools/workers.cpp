#include "workers.h"

#include <ATen/Parallel.h>

#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/dist/gloo.h"
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
  log::speak_as(str("rank ", self->rank, ": "));
  if (self->rank > 0) log::quiet();
  train::divide(config, self->world_size);  // says what does not fit before anybody waits
  const std::chrono::seconds timeout(config.parallel.timeout_seconds);
  Workers workers{.self = *self, .store = dist::meet(*self, timeout), .group = nullptr};
  workers.group = dist::connect_gloo(
      workers.store->under("gloo/"),
      {.rank = self->rank, .world_size = self->world_size, .interface = config.parallel.interface, .timeout = timeout});
  return workers;
}

}  // namespace strata::tools
