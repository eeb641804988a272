// Causal attention inside each row, for any storage type: what a device computes with where no library has a kernel for
// it (fp32), and the measure of those that have one.
//
// A block has a tile of 32 queries (or, for the gradients of keys and values, of 32 keys) of one row and head, four of
// them to a warp, and goes through the other side tile by tile. A lane has one element of that tile while scores are
// computed, and every 32nd channel while they are applied. Everything is fp32; who adds what is fixed.
#include "launch.cuh"

namespace strata::kernels::cuda {
namespace {

constexpr int kTile = kWarp;
constexpr int kWarps = 8;
constexpr int kPerWarp = kTile / kWarps;

// One row's part of the arrays.
struct Row {
  int64_t begin;
  int length;
};

template <class T>
__device__ inline Row row_of(const AttentionArrays<T>& a) {
  const int64_t begin = a.row_starts[blockIdx.z];
  return {begin, static_cast<int>(a.row_starts[blockIdx.z + 1] - begin)};
}

// A tile of one head in shared memory, a row for each token; what lies behind the row's end is nought. Rows are an odd
// number of elements apart, so that lanes that read one channel of different tokens meet different banks.
template <class Pointer>
struct Tile {
  Pointer data;
  int pitch;

  __device__ Pointer row(int token) const { return data + token * pitch; }

  template <class T>
  __device__ void load(const T* head, int64_t stride, int tokens, int head_dim) const {
    for (int i = static_cast<int>(threadIdx.x); i < kTile * head_dim; i += static_cast<int>(blockDim.x)) {
      const int token = i / head_dim;
      const int channel = i % head_dim;
      row(token)[channel] = token < tokens ? widen(head[token * stride + channel]) : 0.0F;
    }
  }
};

/// Number `index` of the tiles in a block's shared memory.
template <class Pointer>
__device__ inline Tile<Pointer> tile_at(Pointer memory, int index, int head_dim) {
  return {memory + index * kTile * (head_dim + 1), head_dim + 1};
}

template <class Pointer>
__device__ inline float dot(Pointer a, Pointer b, int n) {
  float sum = 0.0F;
  STRATA_UNROLL_BY_4
  for (int i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// sums[c] += Σ over the tile's tokens of the weight that the token's lane has, times the token's channel.
template <int kChannels, class Pointer>
__device__ inline void add_weighted(float weight, const Tile<Pointer>& tile, int head_dim, float (&sums)[kChannels]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  STRATA_UNROLL_BY_4
  for (int token = 0; token < kTile; ++token) {
    const float of_token = __shfl_sync(kWholeWarp, weight, token);
    STRATA_UNROLL for (int c = 0; c < kChannels; ++c) {
      const int channel = c * kWarp + lane;
      if (channel < head_dim) sums[c] += of_token * tile.row(token)[channel];
    }
  }
}

// The element of each of a lane's channels: f(channel, c).
template <int kChannels, class F>
__device__ inline void each_channel(int head_dim, const F& f) {
  STRATA_UNROLL for (int c = 0; c < kChannels; ++c) {
    const int channel = c * kWarp + static_cast<int>(threadIdx.x) % kWarp;
    if (channel < head_dim) f(channel, c);
  }
}

__device__ inline float score_scale(int head_dim) { return 1.0F / sqrtf(static_cast<float>(head_dim)); }

// Softmax over the keys so far, of one query.
template <int kChannels>
struct RunningSoftmax {
  float highest = -__builtin_huge_valf();
  float total = 0.0F;
  float sums[kChannels] = {};

  // score: of this lane's key, where it counts.
  template <class Pointer>
  __device__ void add(float score, bool counts, const Tile<Pointer>& values, int head_dim) {
    const float higher = Maximum::of(highest, over_warp<Maximum>(counts ? score : -__builtin_huge_valf()));
    const float weight = counts ? exponential(score - higher) : 0.0F;
    const float shrink = exponential(highest - higher);
    highest = higher;
    total = total * shrink + over_warp<Plus>(weight);
    STRATA_UNROLL for (float& sum : sums) sum *= shrink;
    add_weighted(weight, values, head_dim, sums);
  }
};

template <int kChannels, class T>
static __global__ void attention_forward_kernel(const AttentionArrays<T> a) {
  STRATA_DYNAMIC_SHARED(tiles);
  const Row row = row_of(a);
  const int first = static_cast<int>(blockIdx.x) * kTile;
  if (first >= row.length) return;
  const int d = static_cast<int>(a.head_dim);
  const int head = static_cast<int>(blockIdx.y);
  const int64_t kv_head = head / (a.heads / a.kv_heads);
  const T* rows = a.qkv + row.begin * a.stride;
  const auto queries = tile_at(tiles + 0, 0, d);
  const auto keys = tile_at(tiles + 0, 1, d);
  const auto values = tile_at(tiles + 0, 2, d);
  queries.load(rows + first * a.stride + head * d, a.stride, row.length - first, d);

  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int mine = static_cast<int>(threadIdx.x) / kWarp * kPerWarp;
  RunningSoftmax<kChannels> softmax[kPerWarp];
  for (int tile = 0; tile <= first; tile += kTile) {
    const T* tokens = rows + tile * a.stride;
    __syncthreads();
    keys.load(tokens + (a.heads + kv_head) * d, a.stride, row.length - tile, d);
    values.load(tokens + (a.heads + a.kv_heads + kv_head) * d, a.stride, row.length - tile, d);
    __syncthreads();
    STRATA_UNROLL for (int q = 0; q < kPerWarp; ++q) {
      const float score = score_scale(d) * dot(queries.row(mine + q), keys.row(lane), d);
      softmax[q].add(score, tile + lane <= first + mine + q, values, d);
    }
  }
  STRATA_UNROLL for (int q = 0; q < kPerWarp; ++q) {
    const int64_t token = first + mine + q;
    if (token >= row.length) return;
    T* out = a.out + ((row.begin + token) * a.heads + head) * d;
    const float inverse = 1.0F / softmax[q].total;
    each_channel<kChannels>(d, [&](int channel, int c) { out[channel] = narrow<T>(softmax[q].sums[c] * inverse); });
    if (lane == 0) a.log_sum[head * a.tokens + row.begin + token] = softmax[q].highest + logf(softmax[q].total);
  }
}

// delta = Σ dL/dout · out: a warp for each token and head.
template <class T>
static __global__ void attention_delta_kernel(const AttentionArrays<T> a, const AttentionGradients<T> g) {
  for (int64_t head = threadIdx.y; head < a.heads; head += blockDim.y) {
    const int64_t at = (blockIdx.x * a.heads + head) * a.head_dim;
    float sum = 0.0F;
    for (int64_t c = threadIdx.x; c < a.head_dim; c += kWarp) sum += widen(g.grad_out[at + c]) * widen(a.out[at + c]);
    sum = over_warp<Plus>(sum);
    if (threadIdx.x == 0) g.delta[head * a.tokens + blockIdx.x] = sum;
  }
}

template <int kChannels, class T>
static __global__ void attention_query_gradient_kernel(const AttentionArrays<T> a, const AttentionGradients<T> g) {
  STRATA_DYNAMIC_SHARED(tiles);
  const Row row = row_of(a);
  const int first = static_cast<int>(blockIdx.x) * kTile;
  if (first >= row.length) return;
  const int d = static_cast<int>(a.head_dim);
  const int head = static_cast<int>(blockIdx.y);
  const int64_t kv_head = head / (a.heads / a.kv_heads);
  const T* rows = a.qkv + row.begin * a.stride;
  const int64_t out_stride = a.heads * d;
  const auto queries = tile_at(tiles + 0, 0, d);
  const auto grads = tile_at(tiles + 0, 1, d);
  const auto keys = tile_at(tiles + 0, 2, d);
  const auto values = tile_at(tiles + 0, 3, d);
  queries.load(rows + first * a.stride + head * d, a.stride, row.length - first, d);
  grads.load(g.grad_out + (row.begin + first) * out_stride + head * d, out_stride, row.length - first, d);

  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int mine = static_cast<int>(threadIdx.x) / kWarp * kPerWarp;
  float sums[kPerWarp][kChannels] = {};
  for (int tile = 0; tile <= first; tile += kTile) {
    const T* tokens = rows + tile * a.stride;
    __syncthreads();
    keys.load(tokens + (a.heads + kv_head) * d, a.stride, row.length - tile, d);
    values.load(tokens + (a.heads + a.kv_heads + kv_head) * d, a.stride, row.length - tile, d);
    __syncthreads();
    STRATA_UNROLL for (int q = 0; q < kPerWarp; ++q) {
      const int token = first + mine + q;
      const bool counts = token < row.length && tile + lane <= token;
      const int64_t at = head * a.tokens + row.begin + (counts ? token : 0);
      const float score = score_scale(d) * dot(queries.row(mine + q), keys.row(lane), d);
      const float weight = counts ? exponential(score - a.log_sum[at]) : 0.0F;
      const float grad = dot(grads.row(mine + q), values.row(lane), d) - g.delta[at];
      add_weighted(score_scale(d) * weight * grad, keys, d, sums[q]);
    }
  }
  STRATA_UNROLL for (int q = 0; q < kPerWarp; ++q) {
    const int64_t token = first + mine + q;
    if (token >= row.length) return;
    float* out = g.grad_query + ((row.begin + token) * a.heads + head) * d;
    each_channel<kChannels>(d, [&](int channel, int c) { out[channel] = sums[q][c]; });
  }
}

// In place of the block's keys and values, which no other block reads.
template <int kChannels, class T>
static __global__ void attention_key_value_gradient_kernel(const AttentionArrays<T> a, const AttentionGradients<T> g) {
  STRATA_DYNAMIC_SHARED(tiles);
  const Row row = row_of(a);
  const int first = static_cast<int>(blockIdx.x) * kTile;
  if (first >= row.length) return;
  const int d = static_cast<int>(a.head_dim);
  const int64_t kv_head = blockIdx.y;
  const int group = static_cast<int>(a.heads / a.kv_heads);
  const int64_t out_stride = a.heads * d;
  const auto keys = tile_at(tiles + 0, 0, d);
  const auto values = tile_at(tiles + 0, 1, d);
  const auto queries = tile_at(tiles + 0, 2, d);
  const auto grads = tile_at(tiles + 0, 3, d);
  T* rows = g.qkv_gradient + row.begin * a.stride;
  T* own_keys = rows + first * a.stride + (a.heads + kv_head) * d;
  T* own_values = own_keys + a.kv_heads * d;
  keys.load(own_keys, a.stride, row.length - first, d);
  values.load(own_values, a.stride, row.length - first, d);

  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int mine = static_cast<int>(threadIdx.x) / kWarp * kPerWarp;
  float key_sums[kPerWarp][kChannels] = {};
  float value_sums[kPerWarp][kChannels] = {};
  for (int head = static_cast<int>(kv_head) * group; head < (static_cast<int>(kv_head) + 1) * group; ++head) {
    for (int tile = first; tile < row.length; tile += kTile) {
      __syncthreads();
      queries.load(rows + tile * a.stride + head * d, a.stride, row.length - tile, d);
      grads.load(g.grad_out + (row.begin + tile) * out_stride + head * d, out_stride, row.length - tile, d);
      __syncthreads();
      const int query = tile + lane;
      const int64_t at = head * a.tokens + row.begin + (query < row.length ? query : 0);
      STRATA_UNROLL for (int k = 0; k < kPerWarp; ++k) {
        const bool counts = query < row.length && first + mine + k <= query;
        const float score = score_scale(d) * dot(queries.row(lane), keys.row(mine + k), d);
        const float weight = counts ? exponential(score - a.log_sum[at]) : 0.0F;
        const float grad = dot(grads.row(lane), values.row(mine + k), d) - g.delta[at];
        add_weighted(weight, grads, d, value_sums[k]);
        add_weighted(score_scale(d) * weight * grad, queries, d, key_sums[k]);
      }
    }
  }
  STRATA_UNROLL for (int k = 0; k < kPerWarp; ++k) {
    const int64_t token = mine + k;
    if (first + token >= row.length) return;
    each_channel<kChannels>(d, [&](int channel, int c) {
      own_keys[token * a.stride + channel] = narrow<T>(key_sums[k][c]);
      own_values[token * a.stride + channel] = narrow<T>(value_sums[k][c]);
    });
  }
}

template <class T>
static __global__ void store_query_gradient_kernel(const AttentionArrays<T> a, const AttentionGradients<T> g) {
  const int64_t width = a.heads * a.head_dim;
  for (int64_t i = threadIdx.x; i < width; i += blockDim.x) {
    g.qkv_gradient[blockIdx.x * a.stride + i] = narrow<T>(g.grad_query[blockIdx.x * width + i]);
  }
}

// f(channels of a lane), as a constant.
template <class F>
void with_channels(int64_t head_dim, F&& f) {
  if (head_dim <= 2 * kWarp) {
    f(std::integral_constant<int, 2>{});
  } else if (head_dim <= 4 * kWarp) {
    f(std::integral_constant<int, 4>{});
  } else {
    f(std::integral_constant<int, 8>{});
  }
}

template <class T>
dim3 tiles_of(const AttentionArrays<T>& a, int64_t heads) {
  return dim3(blocks_for(a.longest_row, kTile), static_cast<unsigned>(heads), static_cast<unsigned>(a.rows));
}

size_t shared_bytes(int64_t head_dim, int64_t tiles) {
  return static_cast<size_t>(tiles * kTile * (head_dim + 1)) * sizeof(float);
}

constexpr unsigned kThreads = kWarps * kWarp;

template <class T>
void forward(const AttentionArrays<T>& a, Stream stream) {
  with_channels(a.head_dim, [&](auto channels) {
    launch(&attention_forward_kernel<channels, T>, tiles_of(a, a.heads), dim3(kThreads), shared_bytes(a.head_dim, 3),
           stream, a);
  });
}

template <class T>
void backward(const AttentionArrays<T>& a, const AttentionGradients<T>& g, Stream stream) {
  const auto heads = static_cast<unsigned>(a.heads < kWarps ? a.heads : kWarps);
  launch(&attention_delta_kernel<T>, grid_of(a.tokens), dim3(kWarp, heads), 0, stream, a, g);
  with_channels(a.head_dim, [&](auto channels) {
    launch(&attention_query_gradient_kernel<channels, T>, tiles_of(a, a.heads), dim3(kThreads),
           shared_bytes(a.head_dim, 4), stream, a, g);
    launch(&attention_key_value_gradient_kernel<channels, T>, tiles_of(a, a.kv_heads), dim3(kThreads),
           shared_bytes(a.head_dim, 4), stream, a, g);
  });
  launch(&store_query_gradient_kernel<T>, grid_of(a.tokens), block_of(a.heads * a.head_dim, 1), 0, stream, a, g);
}

}  // namespace

void CudaKernels::attention_forward(const AttentionArrays<float>& arrays) const { forward(arrays, stream()); }

void CudaKernels::attention_forward(const AttentionArrays<Bf16>& arrays) const { forward(arrays, stream()); }

void CudaKernels::attention_backward(const AttentionArrays<float>& arrays,
                                     const AttentionGradients<float>& grads) const {
  backward(arrays, grads, stream());
}

void CudaKernels::attention_backward(const AttentionArrays<Bf16>& arrays, const AttentionGradients<Bf16>& grads) const {
  backward(arrays, grads, stream());
}

}  // namespace strata::kernels::cuda
