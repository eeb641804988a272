#include "strata/base/shared_module.h"

#include <dlfcn.h>

#include <bit>
#include <filesystem>

#include "strata/base/check.h"

namespace strata {
namespace {

namespace fs = std::filesystem;

// The loader may have taken this library from lib/glibc-hwcaps/x86-64-v4, as it suits the processor: what is the same
// for all processors lies in lib.
fs::path beside_this_library(const std::string& name) {
  Dl_info info{};
  const bool found = dladdr(std::bit_cast<void*>(&open_module), &info) != 0;
  fs::path folder = fs::path(found ? info.dli_fname : "").parent_path();
  if (folder.parent_path().filename() == "glibc-hwcaps") folder = folder.parent_path().parent_path();
  return folder / name;
}

}  // namespace

// It stays open: CUDA's libraries cannot be unloaded.
ModuleFunction open_module(const Module& module, const char* name) {
  const fs::path path = beside_this_library(module.library);
  if (!fs::exists(path)) {
    return {.problem = str("there is no ", path.string(), "; scripts/install.sh ", module.option,
                           " && scripts/build.sh builds it (CMake says \"", module.build, "\")")};
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return {.problem = str(dlerror(), "; ", module.libraries, ", and so does scripts/install.sh ", module.option)};
  }
  void* function = dlsym(library, name);
  if (function == nullptr) return {.problem = dlerror()};
  return {.function = function};
}

}  // namespace strata
