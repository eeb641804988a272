#include "support/places.h"

namespace strata::test {

std::filesystem::path source_folder() { return STRATA_SOURCE_DIR; }
std::filesystem::path torch_folder() { return STRATA_TORCH_DIR; }
std::filesystem::path torch_python() { return STRATA_TORCH_PYTHON; }

std::filesystem::path strata_program() { return STRATA_BINARY_DIR "/strata"; }

bool is_sanitized() { return *STRATA_SANITIZER != '\0'; }

}  // namespace strata::test
