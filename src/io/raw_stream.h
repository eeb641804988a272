#pragma once

#include <filesystem>
#include <memory>

#include "strata/io/byte_stream.h"

namespace strata::io {

/// The bytes of a file as they lie. Throws Error, naming the file, where it cannot be opened.
std::unique_ptr<ByteStream> open_raw_stream(const std::filesystem::path& path);

}  // namespace strata::io
