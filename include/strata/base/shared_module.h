#pragma once

#include <string>

namespace strata {

/// A function of a library that lies beside libstrata.so and is opened on demand, or why there is none.
struct ModuleFunction {
  void* function = nullptr;
  std::string problem = {};
};

/// Opens `library` ("libstrata_x.so") for good and looks `name` up in it.
ModuleFunction open_module(const std::string& library, const char* name);

}  // namespace strata
