#pragma once

#include <filesystem>

namespace strata::test {

/// The root of Strata's sources.
std::filesystem::path source_folder();

/// The torch/ folder of the wheel that Strata is linked with.
std::filesystem::path torch_folder();

/// The Python that can import that wheel, given what the wheel needs besides: `scripts/install.sh --cuda`.
std::filesystem::path torch_python();

/// The program `strata` of this build.
std::filesystem::path strata_program();

/// Whether this build has a sanitizer in it, which needs memory of its own.
bool is_sanitized();

}  // namespace strata::test
