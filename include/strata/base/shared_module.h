#pragma once

#include <string>

namespace strata {

/// A function of a library that lies beside libstrata.so and is opened on demand, or why there is none.
struct ModuleFunction {
  void* function = nullptr;
  std::string problem = {};
};

/// A library that is built where what it needs is installed, and opened on demand.
struct Module {
  std::string library;    // "libstrata_x.so"
  std::string option;     // of scripts/install.sh, which installs what it needs
  std::string build;      // what CMake says where it is built
  std::string libraries;  // "pip install ... brings ...": what it is linked with
};

/// Opens the library for good and looks `name` up in it.
ModuleFunction open_module(const Module& module, const char* name);

}  // namespace strata
