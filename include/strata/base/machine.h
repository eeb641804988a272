#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// As the system names it, or "unknown".
std::string processor_name();

/// This machine's, among others.
std::string host_name();

/// How this process was called, its words with spaces between them.
std::string command_line();

/// Bytes of physical memory, and of it what new programs could take; 0 where the system does not say.
int64_t memory_bytes();
int64_t available_memory_bytes();

/// Physical memory that this process holds, and the most it has held at once, in bytes; 0 where the system does not
/// say.
int64_t resident_bytes();
int64_t peak_resident_bytes();

/// NVIDIA's GPUs as the driver names them, or "unknown" where it does not; without a call to CUDA.
std::vector<std::string> gpu_names();

/// Those that CUDA would show this process, which CUDA_VISIBLE_DEVICES may narrow; without a call to CUDA.
int gpu_count();

}  // namespace strata
