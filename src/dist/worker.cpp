#include "strata/dist/worker.h"
#include <cstdlib>
namespace strata::dist {
std::optional<Worker> worker_of_environment() {
  if (!std::getenv("RANK")) return std::nullopt;
  const auto n = [](const char* v) {
    const char* t = std::getenv(v);
    return t ? std::atoi(t) : 0;
  };
  return Worker{.rank = n("RANK"),
                .world_size = n("WORLD_SIZE"),
                .local_rank = n("LOCAL_RANK"),
                .local_world_size = n("LOCAL_WORLD_SIZE"),
                .master_host = std::getenv("MASTER_ADDR"),
                .master_port = static_cast<uint16_t>(n("MASTER_PORT")),
                .launcher_serves = std::getenv("TORCHELASTIC_USE_AGENT_STORE") != nullptr,
                .attempt = n("TORCHELASTIC_RESTART_COUNT")};
}
Store meet(const Worker& w, Store::Seconds t) {
  if (!w.launcher_serves && w.rank == 0)
    return Store::serve(w.master_port).under("/worker/attempt_" + std::to_string(w.attempt) + "/");
  return Store::connect(w.master_host, w.master_port, t).under("/worker/attempt_" + std::to_string(w.attempt) + "/");
}
}  // namespace strata::dist
