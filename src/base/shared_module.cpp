#include "strata/base/shared_module.h"

#include <dlfcn.h>

#include <bit>
#include <filesystem>

#include "strata/base/check.h"

namespace strata {
namespace {

std::filesystem::path beside_this_library(const std::string& name) {
  Dl_info info{};
  const bool found = dladdr(std::bit_cast<void*>(&open_module), &info) != 0;
  return std::filesystem::path(found ? info.dli_fname : "").replace_filename(name);
}

}  // namespace

// It stays open: CUDA's libraries cannot be unloaded.
ModuleFunction open_module(const std::string& library, const char* name) {
  const std::filesystem::path path = beside_this_library(library);
  if (!std::filesystem::exists(path)) {
    return {.problem = str("there is no ", path.string(),
                           "; scripts/install.sh --cuda && scripts/build.sh builds it (CMake says \"CUDA: on\")")};
  }
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) return {.problem = str(dlerror(), "; scripts/install.sh --cuda installs CUDA's libraries")};
  void* function = dlsym(module, name);
  if (function == nullptr) return {.problem = dlerror()};
  return {.function = function};
}

}  // namespace strata
