// Attention where the CPU does not compute it.
#pragma once

#include "strata/kernels/attention.h"

namespace strata::kernels {

/// Over DeviceKernels.
std::unique_ptr<Attention> make_device_attention(const AttentionShape& shape);
/// FlashAttention-2 (arXiv 2307.08691) in ATen, for bf16 on CUDA.
std::unique_ptr<Attention> make_flash_attention(const AttentionShape& shape);

}  // namespace strata::kernels
