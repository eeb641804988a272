// The program's start. What needs neither a model nor data is answered from the file that the build wrote; everything
// else is in libstrata_commands, which takes half a second to load, since libtorch comes with it.
#include <dlfcn.h>

#include <filesystem>
#include <iostream>

#include "answers.h"
#include "strata/base/terminal.h"

namespace {

namespace fs = std::filesystem;

// A file that is beside the program where it was built, and elsewhere where it is installed.
fs::path place_of(const char* file, const char* installed) {
  std::error_code failure;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failure).parent_path();
  return fs::exists(folder / file, failure) ? folder / file : folder / ".." / installed / file;
}

int say(const std::string& answer) {
  std::cout << strata::wrapped_for_stdout(answer) << std::flush;
  if (std::cout) return 0;
  std::cerr << "error: cannot write to stdout\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path answers = place_of("strata.answers", STRATA_DATA_FOLDER);
  if (const auto answer = strata::tools::find_answer(answers, {argv + 1, argv + argc})) return say(*answer);
  const fs::path library = place_of("libstrata_commands.so", STRATA_LIBRARY_FOLDER);
  void* const commands = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  void* const run = commands == nullptr ? nullptr : dlsym(commands, "strata_main");
  if (run == nullptr) {
    std::cerr << "error: " << dlerror() << "\n";
    return 1;
  }
  return reinterpret_cast<int (*)(int, char**)>(run)(argc, argv);
}
