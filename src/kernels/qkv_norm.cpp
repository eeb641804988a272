#include "strata/kernels/qkv_norm.h"

#include <algorithm>
#include <array>

#include "cpu_executor.h"
#include "qkv_norm.inl"
#include "rotary_pointers.h"

namespace strata::kernels {
namespace {

struct Part {
  const at::Tensor& gain;  // undefined: no norm
  int64_t heads;
  at::Tensor QkvNormGradients::*gradient;
};

std::array<Part, kQkvParts> parts_of(const QkvNorm& norm) {
  const auto [heads, kv_heads, dim] = norm.shape;
  return {Part{norm.query_gain, heads, &QkvNormGradients::query_gain},
          Part{norm.key_gain, kv_heads, &QkvNormGradients::key_gain},
          Part{norm.value_gain, kv_heads, &QkvNormGradients::value_gain}};
}

template <class T>
QkvNormRows<T> rows_of(const at::Tensor& qkv_NW, const at::Tensor& raw_NV, const QkvNorm& norm,
                       const Rotation& rotation) {
  QkvNormRows<T> rows{.rows = pointer<T>(qkv_NW),
                      .stride = qkv_NW.stride(0),
                      .raw = pointer<T>(raw_NV),
                      .raw_stride = raw_NV.defined() ? raw_NV.stride(0) : 0,
                      .eps = static_cast<float>(norm.eps),
                      .parts = norm.value_gain.defined() ? kQkvParts : kQkvParts - 1,
                      .part = {},
                      .sums_size = 0,
                      .angles = angles_of(rotation)};
  int64_t column = 0, raw_column = 0;
  for (int number = 0; const Part& part : parts_of(norm)) {
    const int64_t all = part.heads * norm.shape.head_dim;
    const int64_t width = part.gain.defined() ? part.gain.numel() : norm.shape.head_dim;
    STRATA_ASSERT(all % width == 0);
    rows.part[number] = {
        column, raw_column, rows.sums_size, all / width, width, pointer<T>(part.gain), number < kQkvParts - 1};
    column += all;
    ++number;
    if (!part.gain.defined()) continue;
    raw_column += all;
    rows.sums_size += width;
  }
  return rows;
}

template <class T>
void backward_chunk(const QkvNormRows<T>& rows, const QkvGradientRows<T>& gradients, int64_t tokens, int64_t chunk,
                    float* sums) {
  sums += chunk * rows.sums_size;
  CpuExecutor{}.each(rows.sums_size, [&](int64_t i) { sums[i] = 0.0F; });
  for (int64_t token = chunk * kQkvChunk; token < std::min(tokens, (chunk + 1) * kQkvChunk); ++token) {
    for (int part = 0; part < rows.parts; ++part) {
      for (int64_t group = 0; group < rows.part[part].groups; ++group) {
        qkv_norm_backward_group(CpuExecutor{}, rows, gradients, part, token, group, sums + rows.part[part].sum_column);
      }
    }
  }
}

template <class G>
void add_sums(G* gradient, const float* sums, int64_t chunks, int64_t stride, int64_t width) {
  for (int64_t i = 0; i < width; ++i) {
    double sum = 0.0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += static_cast<double>(sums[chunk * stride + i]);
    write(gradient, i, read(gradient, i) + static_cast<float>(sum));
  }
}

}  // namespace

int64_t qkv_normed_width(const QkvNorm& norm) {
  int64_t width = 0;
  for (const Part& part : parts_of(norm)) width += part.gain.defined() ? part.heads * norm.shape.head_dim : 0;
  return width;
}

void qkv_norm_forward(const at::Tensor& qkv_NW, const at::Tensor& raw_NV, const QkvNorm& norm,
                      const Rotation& rotation) {
  const int64_t tokens = qkv_NW.size(0);
  with_storage_type(qkv_NW, [&](auto type) {
    using T = decltype(type);
    const QkvNormRows<T> rows = rows_of<T>(qkv_NW, raw_NV, norm, rotation);
    if (const DeviceKernels* device = device_kernels(qkv_NW)) return device->qkv_norm(rows, tokens);
    parallel_rows(tokens, 16, [&](int64_t token) {
      for (int part = 0; part < rows.parts; ++part) {
        for (int64_t group = 0; group < rows.part[part].groups; ++group) {
          qkv_norm_group(CpuExecutor{}, rows, rows.part[part], token, group);
        }
      }
    });
  });
}

int64_t qkv_norm_scratch_size(int64_t tokens, const QkvNorm& norm) {
  int64_t width = 0;
  for (const Part& part : parts_of(norm)) width += part.gain.defined() ? part.gain.numel() : 0;
  return qkv_chunks(tokens) * width;
}

void qkv_norm_backward(const at::Tensor& qkv_NW, const QkvGradients& gradients, const at::Tensor& raw_NV,
                       const QkvNorm& norm, const Rotation& rotation, const QkvNormGradients& gain_gradients,
                       const at::Tensor& scratch) {
  const int64_t tokens = qkv_NW.size(0);
  const int64_t chunks = qkv_chunks(tokens);
  std::array<at::Tensor, kQkvParts> wanted;
  std::ranges::transform(parts_of(norm), wanted.begin(),
                         [&](const Part& part) { return gain_gradients.*part.gradient; });
  with_storage_type(qkv_NW, [&](auto type) {
    using T = decltype(type);
    QkvNormRows<T> rows = rows_of<T>(qkv_NW, raw_NV, norm, rotation);
    const QkvGradientRows<T> from = gradient_rows<T>(qkv_NW, gradients, rotation);
    if (from.part[0].from != rows.rows) rows.parts = kQkvParts;  // values are to be copied at least
    auto* const sums = pointer<float>(scratch);
    if (const DeviceKernels* device = device_kernels(qkv_NW)) {
      Array arrays[kQkvParts] = {};
      std::ranges::transform(wanted, arrays, array);
      return device->qkv_norm_backward(rows, from, tokens, arrays, sums);
    }
    parallel_rows(chunks, 1, [&](int64_t chunk) { backward_chunk(rows, from, tokens, chunk, sums); });
    for (size_t part = 0; part < wanted.size(); ++part) {
      if (!wanted[part].defined()) continue;
      with_storage_type(wanted[part], [&](auto gradient_type) {
        add_sums(pointer<decltype(gradient_type)>(wanted[part]), sums + rows.part[part].sum_column, chunks,
                 rows.sums_size, rows.part[part].width);
      });
    }
  });
}

}  // namespace strata::kernels
