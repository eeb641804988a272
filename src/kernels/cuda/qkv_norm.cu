// Norms on queries, keys and values, and the rotation behind them. Groups of a row that a warp can move at once, heads,
// have a warp each, several a block; wider ones have a block each.
#include "kernels/qkv_norm.inl"

#include <algorithm>
#include <numeric>

#include "chunk_sums.cuh"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

// Along x of the grid are tokens; along y of it, and of a block, the groups of all parts.
template <int kCount, class T>
static __global__ void qkv_norm_kernel(QkvNormRows<T> rows) {
  int64_t group = blockIdx.y * blockDim.y + threadIdx.y;
  int part = 0;
  while (part < rows.parts && group >= rows.part[part].groups) group -= rows.part[part++].groups;
  if (part == rows.parts) return;
  qkv_norm_group(BlockExecutor<kCount>{}, rows, rows.part[part], blockIdx.x, group);
}

// Along x are chunks of tokens, along y parts. Each y of a block takes groups in turn and has sums of its own in shared
// memory, of which a thread always has the same columns; at the end they are added in order.
template <int kCount, class T>
static __global__ void qkv_norm_backward_kernel(QkvNormRows<T> rows, QkvGradientRows<T> gradients, int64_t tokens,
                                                float* partial_sums) {
  STRATA_DYNAMIC_SHARED(all_sums);
  const BlockExecutor<kCount> exec;
  const int number = static_cast<int>(blockIdx.y);
  const QkvPart<T>& part = rows.part[number];
  const auto sums = all_sums + threadIdx.y * part.width;
  exec.each(part.width, [&](At<kCount> i) { write(sums, i, spread(i, 0.0F)); });
  const int64_t begin = blockIdx.x * kQkvChunk;
  const int64_t end = begin + kQkvChunk < tokens ? begin + kQkvChunk : tokens;
  for (int64_t token = begin; token < end; ++token) {
    for (int64_t group = threadIdx.y; group < part.groups; group += blockDim.y) {
      qkv_norm_backward_group(exec, rows, gradients, number, token, group, sums);
    }
  }
  __syncthreads();
  if (threadIdx.y > 0 || part.gain == nullptr) return;
  float* const chunk_sums = partial_sums + blockIdx.x * rows.sums_size + part.sum_column;
  exec.each(part.width, [&](At<kCount> i) {
    for (int64_t at = i.first; at < i.first + kCount; ++at) {
      float sum = all_sums[at];
      for (unsigned y = 1; y < blockDim.y; ++y) sum += all_sums[y * part.width + at];
      chunk_sums[at] = sum;
    }
  });
}

// Threads for groups of this width, and, along y, for how many of them.
dim3 block_of_groups(int64_t width, int count, int64_t groups) {
  constexpr int64_t kMostGroups = 8;
  if (width / count > kWarp) return block_of(width, count);
  return dim3(kWarp, static_cast<unsigned>(groups < kMostGroups ? groups : kMostGroups));
}

// The widest group, and f(count) with what threads can move at once in all of them.
template <class T, class F, class... Pointers>
void with_groups(const QkvNormRows<T>& rows, int64_t strides, F&& f, const Pointers*... pointers) {
  int64_t common = std::gcd(std::gcd(rows.stride, rows.raw_stride), std::gcd(strides, rows.angles.half)), widest = 0;
  for (int part = 0; part < rows.parts; ++part) {
    common = std::gcd(common, std::gcd(rows.part[part].width, rows.part[part].column));
    widest = std::max(widest, rows.part[part].width);
  }
  with_vectors<T>(
      common, [&](auto count) { f(count, widest); }, rows.rows, rows.raw, pointers...);
}

template <class T>
void forward(const QkvNormRows<T>& rows, int64_t tokens, Stream stream) {
  int64_t groups = 0;
  for (int part = 0; part < rows.parts; ++part) groups += rows.part[part].groups;
  with_groups(rows, 0, [&](auto count, int64_t widest) {
    const dim3 block = block_of_groups(widest, count, groups);
    launch(&qkv_norm_kernel<count, T>, dim3(static_cast<unsigned>(tokens), blocks_for(groups, block.y)), block, 0,
           stream, rows);
  });
}

template <class T>
void backward(const QkvNormRows<T>& rows, const QkvGradientRows<T>& gradients, int64_t tokens,
              const Array* gain_gradients, float* partial_sums, Stream stream) {
  const int64_t chunks = qkv_chunks(tokens);
  int64_t most_groups = 0, strides = 0;
  std::vector<SumTarget> targets;
  for (int number = 0; number < rows.parts; ++number) {
    const QkvPart<T>& part = rows.part[number];
    most_groups = std::max(most_groups, part.groups);
    strides = std::gcd(strides, gradients.part[number].stride);
    if (gain_gradients[number].data != nullptr)
      targets.push_back({gain_gradients[number], part.sum_column, part.width});
  }
  const auto run = [&](auto count, int64_t widest) {
    const dim3 block = block_of_groups(widest, count, most_groups);
    launch(&qkv_norm_backward_kernel<count, T>, dim3(static_cast<unsigned>(chunks), static_cast<unsigned>(rows.parts)),
           block, static_cast<size_t>(block.y * widest) * sizeof(float), stream, rows, gradients, tokens, partial_sums);
  };
  with_groups(rows, strides, run, gradients.part[0].from, gradients.part[1].from, gradients.part[2].from);
  add_chunk_sums(targets, partial_sums, chunks, rows.sums_size, {}, stream);
}

}  // namespace

void CudaKernels::qkv_norm(const QkvNormRows<float>& rows, int64_t tokens) const { forward(rows, tokens, stream()); }
void CudaKernels::qkv_norm(const QkvNormRows<Bf16>& rows, int64_t tokens) const { forward(rows, tokens, stream()); }

void CudaKernels::qkv_norm_backward(const QkvNormRows<float>& rows, const QkvGradientRows<float>& gradients,
                                    int64_t tokens, const Array* gain_gradients, float* partial_sums) const {
  backward(rows, gradients, tokens, gain_gradients, partial_sums, stream());
}

void CudaKernels::qkv_norm_backward(const QkvNormRows<Bf16>& rows, const QkvGradientRows<Bf16>& gradients,
                                    int64_t tokens, const Array* gain_gradients, float* partial_sums) const {
  backward(rows, gradients, tokens, gain_gradients, partial_sums, stream());
}

}  // namespace strata::kernels::cuda
