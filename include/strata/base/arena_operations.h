#pragma once

#include <ATen/core/Tensor.h>

/// ATen's operations over whole arenas, by all threads where all of it is in the host's memory: ATen itself keeps to
/// one (threads.h). The bits are the same. Tensors are contiguous, and alike in shape.
namespace strata {

/// Gives `all` back.
at::Tensor zero_arena(const at::Tensor& all);
void copy_arena(const at::Tensor& to, const at::Tensor& from);
void add_to_arena(const at::Tensor& sum, const at::Tensor& added);

}  // namespace strata
