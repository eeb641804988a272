#include "build.h"

#include <unistd.h>

#include "strata/base/check.h"
#include "strata/base/machine.h"

namespace strata::run {

std::unique_ptr<kernels::Gemm> common_gemm(const config::RunConfig& config, const RunDevice& device,
                                           workers::Communicator& workers) {
  if (device.cuda) return kernels::make_cuda_gemm();
  if (!workers.is_first()) return kernels::make_gemm(workers::broadcast_text(workers, ""));
  auto gemm = open_gemm(config.run, gemm_use(config));
  workers::broadcast_text(workers, gemm->name());
  return gemm;
}

OpenFolder::OpenFolder(const std::filesystem::path& path, workers::Communicator& workers) {
  if (workers.is_first()) {
    folder.emplace(path);
    log.emplace(path / "log.txt");
    log::note(str("on ", host_name(), ", process ", getpid(), ", in ", std::filesystem::current_path().string(), ": ",
                  command_line()));
  }
  check_shared(path, workers);
}

}  // namespace strata::run
