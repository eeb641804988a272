#include "kernel_cases.h"

#include <algorithm>
#include <random>

#include "kernel_arrays.h"
#include "strata/kernels/attention.h"

namespace strata::tools {
namespace {

// Multiply-adds times two: so many matrix products of every query with the keys that it sees.
double attention_flops(const data::TokenBatch& batch, const config::ModelConfig& dims, int products) {
  double pairs = 0.0;
  for (size_t row = 1; row < batch.row_starts.size(); ++row) {
    const auto length = static_cast<double>(batch.row_starts[row] - batch.row_starts[row - 1]);
    pairs += 0.5 * length * (length + 1.0);
  }
  return 2.0 * products * pairs * static_cast<double>(dims.heads * dims.head_dim());
}

// Backward works in place: what it leaves is what the next run starts from, which takes as long.
PreparedKernel attention(const KernelSizes& sizes, bool backward) {
  const config::ModelConfig& dims = sizes.dims;
  const data::TokenBatch batch = random_batch(sizes);
  const std::shared_ptr<kernels::Attention> kernel =
      kernels::make_attention({dims.heads, dims.kv(), dims.head_dim()}, sizes.device.type(), sizes.dtype);
  KernelArrays arrays(sizes);
  const int64_t queries = dims.heads * dims.head_dim();
  const at::Tensor qkv = arrays.make({sizes.tokens, queries + 2 * dims.kv() * dims.head_dim()}).uniform_(-1.0, 1.0);
  const at::Tensor out = arrays.make({sizes.tokens, queries});
  const at::Tensor grad_out = arrays.make({sizes.tokens, queries}).uniform_(-1.0, 1.0);
  const at::Tensor sums = arrays.make({dims.heads * sizes.tokens}, at::kFloat);
  const at::Tensor scratch = arrays.make({kernel->scratch_size(sizes.tokens, batch.longest_row)}, at::kFloat);
  const at::Tensor starts = batch.row_starts_R1.to(sizes.device);
  const auto rows = [=] {
    return kernels::AttentionRows{.starts = batch.row_starts, .starts_on_device = starts, .longest = batch.longest_row};
  };
  kernel->forward(out, sums, rows(), qkv, scratch);
  std::function<void()> run = [=] { kernel->forward(out, sums, rows(), qkv, scratch); };
  if (backward) run = [=] { kernel->backward_in_place(qkv, rows(), grad_out, out, sums, scratch); };
  return {.shape = shape_text({sizes.tokens, dims.heads, dims.head_dim()}),
          .bytes = 0.0,
          .flops = attention_flops(batch, dims, backward ? 5 : 2),
          .run = std::move(run)};
}

}  // namespace

data::TokenBatch random_batch(const KernelSizes& sizes) {
  std::mt19937_64 bits(0);
  std::uniform_int_distribution<int64_t> id(0, sizes.dims.vocab - 1);
  data::TokenRows rows;
  for (int64_t begin = 0; begin < sizes.tokens; begin += sizes.row) {
    auto& row = rows.emplace_back(static_cast<size_t>(std::min(sizes.row, sizes.tokens - begin)));
    for (int64_t& token : row) token = id(bits);
  }
  return data::TokenBatch::from_rows(rows, nullptr, sizes.dims.vocab);
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

std::vector<KernelCase> attention_kernels(const KernelSizes& sizes) {
  return {{"attention", [=] { return attention(sizes, false); }},
          {"attention, backward", [=] { return attention(sizes, true); }}};
}

std::vector<KernelCase> kernel_cases(const KernelSizes& sizes) {
  std::vector<KernelCase> all;
  for (const auto part : {junction_kernels, row_kernels, attention_kernels, arena_kernels}) {
    for (KernelCase& kernel : part(sizes)) all.push_back(std::move(kernel));
  }
  return all;
}

}  // namespace strata::tools
