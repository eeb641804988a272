#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace strata::tools {

/// Seconds of one run of what is enqueued on the device: the best of a few rounds, each of as many runs behind each
/// other as make the round long enough to be timed.
double seconds_of(const std::function<void()>& run, const at::Device& device);

/// What a copy of more than any cache holds moves, read and written bytes together: the most that a kernel can hope
/// for.
double copied_bytes_per_second(const at::Device& device);

}  // namespace strata::tools
