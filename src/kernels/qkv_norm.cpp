#include "strata/kernels/qkv_norm.h"

#include <algorithm>

#include "cpu_executor.h"
#include "qkv_norm.inl"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

struct Gain {
  const at::Tensor& values;
  int64_t column, heads;
  at::Tensor QkvNormGradients::*gradient;
};

// Those that there are, in the order of their places in a row.
std::vector<Gain> gains_of(const QkvNorm& norm) {
  const auto [heads, kv_heads, dim] = norm.shape;
  std::vector<Gain> gains;
  for (const Gain& gain : {Gain{norm.query_gain, 0, heads, &QkvNormGradients::query_gain},
                           Gain{norm.key_gain, heads * dim, kv_heads, &QkvNormGradients::key_gain},
                           Gain{norm.value_gain, (heads + kv_heads) * dim, kv_heads, &QkvNormGradients::value_gain}}) {
    if (!gain.values.defined()) continue;
    STRATA_ASSERT(gain.heads * dim % gain.values.numel() == 0);
    gains.push_back(gain);
  }
  return gains;
}

template <class T>
QkvNormRows<T> rows_of(const at::Tensor& qkv_NW, const at::Tensor& raw_NV, const QkvNorm& norm) {
  QkvNormRows<T> rows{.rows = pointer<T>(qkv_NW),
                      .stride = qkv_NW.stride(0),
                      .raw = pointer<T>(raw_NV),
                      .raw_stride = raw_NV.defined() ? raw_NV.stride(0) : 0,
                      .eps = static_cast<float>(norm.eps),
                      .parts = 0,
                      .part = {}};
  int64_t raw_column = 0, sum_column = 0;
  for (const Gain& gain : gains_of(norm)) {
    const int64_t width = gain.values.numel(), all = gain.heads * norm.shape.head_dim;
    rows.part[rows.parts++] = {gain.column, raw_column, sum_column, all / width, width, pointer<T>(gain.values)};
    raw_column += all;
    sum_column += width;
  }
  return rows;
}

// f(part, group) for all groups of a row.
template <class T, class F>
void each_group(const QkvNormRows<T>& rows, F&& f) {
  for (int part = 0; part < rows.parts; ++part) {
    for (int64_t group = 0; group < rows.part[part].groups; ++group) f(rows.part[part], group);
  }
}

template <class T>
void backward_chunk(const QkvNormRows<T>& rows, int64_t tokens, int64_t chunk, float* sums) {
  const int64_t size = qkv_sums_size(rows);
  sums += chunk * size;
  CpuExecutor{}.each(size, [&](int64_t i) { sums[i] = 0.0F; });
  for (int64_t token = chunk * kQkvChunk; token < std::min(tokens, (chunk + 1) * kQkvChunk); ++token) {
    each_group(rows, [&](const NormedPart<T>& part, int64_t group) {
      qkv_norm_backward_group(CpuExecutor{}, rows, part, token, group, sums + part.sum_column);
    });
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

// In the order of the gains; undefined: not wanted.
std::vector<at::Tensor> gradients_of(const QkvNorm& norm, const QkvNormGradients& gradients) {
  std::vector<at::Tensor> all;
  for (const Gain& gain : gains_of(norm)) all.push_back(gradients.*gain.gradient);
  return all;
}

}  // namespace

int64_t qkv_normed_width(const QkvNorm& norm) {
  int64_t width = 0;
  for (const Gain& gain : gains_of(norm)) width += gain.heads * norm.shape.head_dim;
  return width;
}

void qkv_norm_forward(const at::Tensor& qkv_NW, const at::Tensor& raw_NV, const QkvNorm& norm) {
  const int64_t tokens = qkv_NW.size(0);
  with_storage_type(qkv_NW, [&](auto type) {
    using T = decltype(type);
    const QkvNormRows<T> rows = rows_of<T>(qkv_NW, raw_NV, norm);
    if (const DeviceKernels* device = device_kernels(qkv_NW)) return device->qkv_norm(rows, tokens);
    parallel_rows(tokens, 16, [&](int64_t token) {
      each_group(rows, [&](const NormedPart<T>& part, int64_t group) {
        qkv_norm_group(CpuExecutor{}, rows, part, token, group);
      });
    });
  });
}

int64_t qkv_norm_scratch_size(int64_t tokens, const QkvNorm& norm) {
  int64_t width = 0;
  for (const Gain& gain : gains_of(norm)) width += gain.values.numel();
  return qkv_chunks(tokens) * width;
}

void qkv_norm_backward(const at::Tensor& grad_qkv_NW, const at::Tensor& raw_NV, const QkvNorm& norm,
                       const QkvNormGradients& gradients, const at::Tensor& scratch) {
  const int64_t tokens = grad_qkv_NW.size(0);
  const int64_t chunks = qkv_chunks(tokens);
  const std::vector<at::Tensor> wanted = gradients_of(norm, gradients);
  with_storage_type(grad_qkv_NW, [&](auto type) {
    using T = decltype(type);
    const QkvNormRows<T> rows = rows_of<T>(grad_qkv_NW, raw_NV, norm);
    auto* const sums = pointer<float>(scratch);
    if (const DeviceKernels* device = device_kernels(grad_qkv_NW)) {
      Array arrays[kQkvParts] = {};
      for (size_t part = 0; part < wanted.size(); ++part) arrays[part] = array(wanted[part]);
      return device->qkv_norm_backward(rows, tokens, arrays, sums);
    }
    parallel_rows(chunks, 1, [&](int64_t chunk) { backward_chunk(rows, tokens, chunk, sums); });
    for (size_t part = 0; part < wanted.size(); ++part) {
      if (!wanted[part].defined()) continue;
      with_storage_type(wanted[part], [&](auto gradient_type) {
        add_sums(pointer<decltype(gradient_type)>(wanted[part]), sums + rows.part[part].sum_column, chunks,
                 qkv_sums_size(rows), rows.part[part].width);
      });
    }
  });
}

}  // namespace strata::kernels
