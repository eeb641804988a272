// Positions and gradients of queries, keys and values as bodies take them.
#pragma once

#include "rotary.inl"
#include "strata/kernels/rotary.h"
#include "tensor_access.h"

namespace strata::kernels {

inline Angles angles_of(const Rotation& rotation) {
  const at::Tensor& table = rotation.table;
  const auto* cosine = pointer<float>(table);
  return {.positions = pointer<int32_t>(rotation.positions_N),
          .cosine = cosine,
          .sine = cosine + table.size(1) * table.size(2),
          .half = table.size(2)};
}

template <class T>
QkvGradientRows<T> gradient_rows(const at::Tensor& qkv_NW, const QkvGradients& gradients, const Rotation& rotation) {
  QkvGradientRows<T> rows{
      .rows = pointer<T>(qkv_NW), .stride = qkv_NW.stride(0), .part = {}, .angles = angles_of(rotation)};
  int64_t first_head = 0;
  for (int part = 0; const at::Tensor* of : {&gradients.query_NHd, &gradients.key_NKd, &gradients.value_NKd}) {
    STRATA_ASSERT(of->stride(1) == of->size(2) && of->stride(2) == 1);
    rows.part[part++] = {pointer<T>(*of), of->stride(0), first_head, of->size(1)};
    first_head += of->size(1);
  }
  return rows;
}

}  // namespace strata::kernels
