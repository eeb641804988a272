#include "strata/workers/nccl.h"

#include "support/errors.h"

namespace strata::workers {
namespace {

// One line, whatever it is that this machine lacks: the module, CUDA's libraries, or so many GPUs.
TEST(NcclModule, SaysInOneLineWhatIsMissing) {
  const Store store = Store::serve(0);
  const auto connect = [&] { connect_nccl(store, {.rank = 0, .world_size = 1, .device = 127}); };
  EXPECT_THROW(connect(), UsageError);
  const std::string said = strata::test::error_of(connect);
  EXPECT_THAT(said, testing::StartsWith("parallel.backend=nccl: "));
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  const std::string lacks = missing_for_nccl();
  EXPECT_THAT(said, testing::HasSubstr(lacks.empty() ? "needs GPU 127 of its host, where CUDA sees " : lacks));
}

}  // namespace
}  // namespace strata::workers
