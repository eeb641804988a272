#include "support/places.h"

#include <cstdlib>

namespace strata::test {

// Elsewhere than where they were built, test programs are told where golden vectors and configs lie.
std::filesystem::path source_folder() {
  const char* told = std::getenv("STRATA_SOURCE_DIR");
  return told != nullptr ? told : STRATA_SOURCE_DIR;
}
std::filesystem::path torch_folder() { return STRATA_TORCH_DIR; }
std::filesystem::path torch_python() { return STRATA_TORCH_PYTHON; }

std::filesystem::path strata_program() { return STRATA_BINARY_DIR "/strata"; }

bool is_sanitized() { return *STRATA_SANITIZER != '\0'; }

}  // namespace strata::test
