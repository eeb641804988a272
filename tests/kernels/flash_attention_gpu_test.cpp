// FlashAttention against Strata's own attention, both on a GPU in bf16.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "ops.h"
#include "strata/base/check.h"
#include "strata/kernels/attention.h"
#include "support/gpu.h"

namespace strata::test {
namespace {

using kernels::Attention;
using kernels::AttentionShape;

struct Results {
  at::Tensor out_NA, log_sum_HN, grad_qkv_NW;
};

class FlashAttentionOnGpu : public OnGpu, public testing::WithParamInterface<std::tuple<AttentionShape, int>> {
 protected:
  const AttentionShape shape_ = std::get<0>(GetParam());

  // Rows of these lengths, and empty ones as batches of a fixed shape have them.
  void set_rows(const std::vector<int32_t>& lengths) {
    starts_ = {0};
    for (const int32_t length : lengths) starts_.push_back(starts_.back() + length);
    longest_ = *std::ranges::max_element(lengths);
    qkv_NW_ = on_gpu({(shape_.heads + 2 * shape_.kv_heads) * shape_.head_dim}, 1, 2.0);
    grad_out_NA_ = on_gpu({shape_.heads * shape_.head_dim}, 2, 1.0);
  }

  at::Tensor on_gpu(std::vector<int64_t> shape, uint64_t seed, double size) const {
    shape.insert(shape.begin(), starts_.back());
    return uniform(shape, at::kBFloat16, seed, -size, size).to(device());
  }

  Results results_of(const Attention& attention) const {
    const auto fp32 = at::TensorOptions().device(device()).dtype(at::kFloat);
    Results r{.out_NA = at::empty_like(grad_out_NA_),
              .log_sum_HN = at::empty({shape_.heads * starts_.back()}, fp32),
              .grad_qkv_NW = qkv_NW_.clone()};
    const at::Tensor scratch = at::empty({attention.scratch_size(starts_.back(), longest_)}, fp32);
    const kernels::AttentionRows rows{starts_, at::tensor(starts_, at::kInt).to(device()), longest_};
    attention.forward(r.out_NA, r.log_sum_HN, rows, r.grad_qkv_NW, scratch);
    attention.backward_in_place(r.grad_qkv_NW, rows, grad_out_NA_, r.out_NA, r.log_sum_HN, scratch);
    return r;
  }

  std::vector<int32_t> starts_;
  int64_t longest_ = 0;
  at::Tensor qkv_NW_, grad_out_NA_;
};

std::vector<int32_t> row_lengths(int which) {
  const std::vector<int32_t> lengths[] = {{1, 31, 300, 64, 129}, {1}, {256, 256}, {70, 33, 0, 0}};
  return lengths[which];
}

// FlashAttention rounds probabilities and their gradients to bf16, by 2^-8 of each; the stored results are rounded by
// as much in both. Sums of softmax are fp32 in both.
TEST_P(FlashAttentionOnGpu, EqualsStratasOwn) {
  set_rows(row_lengths(std::get<1>(GetParam())));
  const auto flash = kernels::make_attention(shape_, device().type(), at::kBFloat16);
  const auto own = kernels::make_attention(shape_, device().type(), at::kFloat);
  ASSERT_STREQ(flash->name(), "flash");
  ASSERT_STREQ(own->name(), "strata");
  const Results ours = results_of(*own), theirs = results_of(*flash);
  EXPECT_LT(relative_error(theirs.out_NA, ours.out_NA), 0x1p-7);
  EXPECT_LE(max_error(theirs.log_sum_HN.cpu(), ours.log_sum_HN.cpu()), 1e-3);
  EXPECT_LT(relative_error(theirs.grad_qkv_NW, ours.grad_qkv_NW), 0x1p-6);
}

TEST_P(FlashAttentionOnGpu, HasTheSameBitsEveryTime) {
  set_rows(row_lengths(std::get<1>(GetParam())));
  const auto flash = kernels::make_attention(shape_, device().type(), at::kBFloat16);
  const Results first = results_of(*flash);
  for (int run = 0; run < 3; ++run) {
    const Results again = results_of(*flash);
    EXPECT_TRUE(at::equal(first.out_NA, again.out_NA));
    EXPECT_TRUE(at::equal(first.grad_qkv_NW, again.grad_qkv_NW));
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FlashAttentionOnGpu,
                         testing::Combine(testing::Values(AttentionShape{8, 8, 64}, AttentionShape{8, 2, 64},
                                                          AttentionShape{4, 4, 48}, AttentionShape{4, 2, 128},
                                                          AttentionShape{4, 1, 32}),
                                          testing::Range(0, 4)),
                         [](const auto& info) {
                           const AttentionShape& shape = std::get<0>(info.param);
                           return strata::str(shape.heads, "_", shape.kv_heads, "_", shape.head_dim, "_rows_",
                                              std::get<1>(info.param));
                         });

}  // namespace
}  // namespace strata::test
