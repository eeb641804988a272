#include "support/workers.h"

#include <chrono>
#include <exception>
#include <thread>

#include "strata/base/threads.h"
#include "strata/workers/gloo.h"

namespace strata::test {

void as_workers(int world_size, const std::function<void(workers::Communicator&)>& work) {
  const workers::Store store = workers::Store::serve(0);
  std::vector<std::exception_ptr> failures(static_cast<size_t>(world_size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world_size; ++rank) {
    threads.emplace_back([&, rank] {
      work_alone();
      try {
        const workers::GlooOptions options{.rank = rank, .world_size = world_size, .timeout = std::chrono::seconds(60)};
        const auto workers =
            world_size == 1 ? workers::alone() : workers::connect_gloo(store.another_connection(), options);
        work(*workers);
      } catch (...) {
        failures[static_cast<size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace strata::test
