// Opens libstrata_nccl.so (src/dist/nccl), so that only those who ask for NCCL load CUDA's libraries.
#include "strata/dist/nccl.h"

#include <dlfcn.h>

#include <bit>
#include <filesystem>

#include "strata/base/check.h"

namespace strata::dist {
namespace {

using Connect = Communicator* (*)(const Store&, const NcclOptions&);

std::filesystem::path path_of_module() {
  Dl_info info{};
  const bool found = dladdr(std::bit_cast<void*>(&missing_for_nccl), &info) != 0;
  return std::filesystem::path(found ? info.dli_fname : "").replace_filename("libstrata_nccl.so");
}

struct Module {
  Connect connect = nullptr;
  std::string problem = {};
};

// It stays open: CUDA's libraries cannot be unloaded.
Module open_module() {
  const std::filesystem::path path = path_of_module();
  if (!std::filesystem::exists(path)) {
    return {.problem = str("this build has no ", path.string(), "; cmake -DSTRATA_NCCL=ON says what it needs")};
  }
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return {.problem = str(dlerror(), "; scripts/install.sh --cuda installs CUDA's libraries")};
  void* connect = dlsym(module, "strata_connect_nccl");
  if (connect == nullptr) return {.problem = dlerror()};
  return {.connect = std::bit_cast<Connect>(connect)};
}

}  // namespace

std::string missing_for_nccl() { return open_module().problem; }

std::unique_ptr<Communicator> connect_nccl(const Store& store, const NcclOptions& options) {
  const Module module = open_module();
  if (module.connect == nullptr) throw UsageError("parallel.backend=nccl: " + module.problem);
  return std::unique_ptr<Communicator>(module.connect(store, options));
}

}  // namespace strata::dist
