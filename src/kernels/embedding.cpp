#include "strata/kernels/embedding.h"

#include <cstring>

#include "cpu_executor.h"
#include "embedding.inl"
#include "tensor_access.h"

namespace strata::kernels {

void gather_rows(const at::Tensor& out_ND, const at::Tensor& table_VD, const at::Tensor& rows_N) {
  if (const DeviceKernels* device = device_kernels(out_ND)) {
    return device->gather_rows(array(out_ND), array(table_VD), pointer<int64_t>(rows_N), out_ND.size(0),
                               out_ND.size(1));
  }
  const size_t bytes = static_cast<size_t>(out_ND.size(1)) * out_ND.element_size();
  const auto* rows = pointer<int64_t>(rows_N);
  const auto* table = static_cast<const char*>(table_VD.data_ptr());
  auto* out = static_cast<char*>(out_ND.data_ptr());
  parallel_rows(out_ND.size(0), 64, [&](int64_t n) { std::memcpy(out + n * bytes, table + rows[n] * bytes, bytes); });
}

void scatter_rows(const at::Tensor& out_ND, const at::Tensor& values_RD, const at::Tensor& rows_R) {
  if (const DeviceKernels* device = device_kernels(out_ND)) {
    return device->scatter_rows(array(out_ND), array(values_RD), pointer<int64_t>(rows_R), values_RD.size(0),
                                out_ND.size(1));
  }
  const size_t bytes = static_cast<size_t>(out_ND.size(1)) * out_ND.element_size();
  const auto* rows = pointer<int64_t>(rows_R);
  const auto* values = static_cast<const char*>(values_RD.data_ptr());
  auto* out = static_cast<char*>(out_ND.data_ptr());
  parallel_rows(values_RD.size(0), 64,
                [&](int64_t r) { std::memcpy(out + rows[r] * bytes, values + r * bytes, bytes); });
}

void embedding_backward(const at::Tensor& grad_table_VD, const at::Tensor& grad_ND, const at::Tensor& tokens_N,
                        const at::Tensor& by_id_N) {
  const int64_t tokens = tokens_N.size(0);
  const int64_t width = grad_ND.size(1);
  const auto* ids = pointer<int64_t>(tokens_N);
  const auto* order = pointer<int64_t>(by_id_N);
  if (const DeviceKernels* device = device_kernels(grad_ND)) {
    return device->embedding_backward(array(grad_table_VD), array(grad_ND), ids, order, tokens, width);
  }
  // A thread takes the ids whose first position lies in its range of the order.
  const auto first_of_id = [&](int64_t at) { return at == 0 || ids[order[at]] != ids[order[at - 1]]; };
  with_storage_type(grad_ND, [&](auto type) {
    with_storage_type(grad_table_VD, [&](auto table_type) {
      const auto* grads = pointer<decltype(type)>(grad_ND);
      auto* table = pointer<decltype(table_type)>(grad_table_VD);
      parallel_rows(tokens, 64, [&](int64_t at) {
        if (!first_of_id(at)) return;
        int64_t end = at + 1;
        while (end < tokens && !first_of_id(end)) ++end;
        add_positions(CpuExecutor{}, grads, order + at, end - at, width, table + ids[order[at]] * width);
      });
    });
  });
}

}  // namespace strata::kernels
