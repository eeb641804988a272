#include "strata/kernels/cross_entropy.h"

#include "cpu_executor.h"
#include "cross_entropy.inl"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

template <bool kGradient>
void run(const at::Tensor& logits_RV, const at::Tensor& targets_R, const at::Tensor& scale, const at::Tensor& loss_R) {
  const int64_t classes = logits_RV.size(1);
  const int64_t apart = logits_RV.stride(0);
  const auto* targets = pointer<int64_t>(targets_R);
  auto* loss = pointer<float>(loss_R);
  if (const DeviceKernels* device = device_kernels(logits_RV)) {
    return device->cross_entropy(loss, array(logits_RV), apart, logits_RV.size(0), classes, targets,
                                 pointer<double>(scale));
  }
  const float factor = kGradient ? static_cast<float>(*pointer<double>(scale)) : 0.0F;
  with_storage_type(logits_RV, [&](auto type) {
    auto* logits = pointer<decltype(type)>(logits_RV);
    parallel_rows(logits_RV.size(0), 1, [&](int64_t r) {
      cross_entropy_row<kGradient>(CpuExecutor{}, logits + r * apart, classes, targets[r], factor, loss + r);
    });
  });
}

}  // namespace

void cross_entropy_in_place(const at::Tensor& loss_R, const at::Tensor& logits_RV, const at::Tensor& targets_R,
                            const at::Tensor& scale) {
  run<true>(logits_RV, targets_R, scale, loss_R);
}

void cross_entropy(const at::Tensor& loss_R, const at::Tensor& logits_RV, const at::Tensor& targets_R) {
  run<false>(logits_RV, targets_R, {}, loss_R);
}

}  // namespace strata::kernels
