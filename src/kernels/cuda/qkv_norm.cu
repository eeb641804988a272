// Norms on queries, keys and values: a block for each group of a token's row; backward a block for each part of a chunk
// of tokens.
#include "kernels/qkv_norm.inl"

#include <numeric>

#include "chunk_sums.cuh"
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

// Along x of the grid are tokens, along y the groups of all parts.
template <int kCount, class T>
static __global__ void qkv_norm_kernel(QkvNormRows<T> rows) {
  int64_t group = blockIdx.y;
  int part = 0;
  while (group >= rows.part[part].groups) group -= rows.part[part++].groups;
  qkv_norm_group(BlockExecutor<kCount>{}, rows, rows.part[part], blockIdx.x, group);
}

// Along x are chunks of tokens, along y parts. The part's sums stand in shared memory; a thread always has the same
// columns of them.
template <int kCount, class T>
static __global__ void qkv_norm_backward_kernel(QkvNormRows<T> rows, int64_t tokens, float* partial_sums) {
  STRATA_DYNAMIC_SHARED(sums);
  const BlockExecutor<kCount> exec;
  const NormedPart<T>& part = rows.part[blockIdx.y];
  exec.each(part.width, [&](At<kCount> i) { write(sums + 0, i, spread(i, 0.0F)); });
  const int64_t begin = blockIdx.x * kQkvChunk;
  const int64_t end = begin + kQkvChunk < tokens ? begin + kQkvChunk : tokens;
  for (int64_t token = begin; token < end; ++token) {
    for (int64_t group = 0; group < part.groups; ++group) {
      qkv_norm_backward_group(exec, rows, part, token, group, sums + 0);
    }
  }
  float* const chunk_sums = partial_sums + blockIdx.x * qkv_sums_size(rows) + part.sum_column;
  exec.each(part.width, [&](At<kCount> i) {
    for (int64_t at = i.first; at < i.first + kCount; ++at) chunk_sums[at] = sums[at];
  });
}

// The widest group, and f(count) with what threads can move at once in all of them.
template <class T, class F>
void with_groups(const QkvNormRows<T>& rows, F&& f) {
  int64_t common = std::gcd(rows.stride, rows.raw_stride), widest = 0;
  for (int part = 0; part < rows.parts; ++part) {
    common = std::gcd(common, std::gcd(rows.part[part].width, rows.part[part].column));
    widest = rows.part[part].width > widest ? rows.part[part].width : widest;
  }
  with_vectors<T>(
      common, [&](auto count) { f(count, widest); }, rows.rows, rows.raw);
}

template <class T>
void forward(const QkvNormRows<T>& rows, int64_t tokens, Stream stream) {
  int64_t groups = 0;
  for (int part = 0; part < rows.parts; ++part) groups += rows.part[part].groups;
  with_groups(rows, [&](auto count, int64_t widest) {
    launch(&qkv_norm_kernel<count, T>, dim3(static_cast<unsigned>(tokens), static_cast<unsigned>(groups)),
           block_of(widest, count), 0, stream, rows);
  });
}

template <class T>
void backward(const QkvNormRows<T>& rows, int64_t tokens, const Array* gradients, float* partial_sums, Stream stream) {
  const int64_t chunks = qkv_chunks(tokens);
  with_groups(rows, [&](auto count, int64_t widest) {
    launch(&qkv_norm_backward_kernel<count, T>, dim3(static_cast<unsigned>(chunks), static_cast<unsigned>(rows.parts)),
           block_of(widest, count), static_cast<size_t>(widest) * sizeof(float), stream, rows, tokens, partial_sums);
  });
  std::vector<SumTarget> targets;
  for (int part = 0; part < rows.parts; ++part) {
    if (gradients[part].data == nullptr) continue;
    targets.push_back({gradients[part], rows.part[part].sum_column, rows.part[part].width});
  }
  add_chunk_sums(targets, partial_sums, chunks, qkv_sums_size(rows), {}, stream);
}

}  // namespace

void CudaKernels::qkv_norm(const QkvNormRows<float>& rows, int64_t tokens) const { forward(rows, tokens, stream()); }
void CudaKernels::qkv_norm(const QkvNormRows<Bf16>& rows, int64_t tokens) const { forward(rows, tokens, stream()); }

void CudaKernels::qkv_norm_backward(const QkvNormRows<float>& rows, int64_t tokens, const Array* gradients,
                                    float* partial_sums) const {
  backward(rows, tokens, gradients, partial_sums, stream());
}

void CudaKernels::qkv_norm_backward(const QkvNormRows<Bf16>& rows, int64_t tokens, const Array* gradients,
                                    float* partial_sums) const {
  backward(rows, tokens, gradients, partial_sums, stream());
}

}  // namespace strata::kernels::cuda
