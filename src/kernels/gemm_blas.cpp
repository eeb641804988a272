// BLIS and OpenBLAS, opened at run time: whichever the machine has, without a link-time choice. RTLD_LOCAL keeps their
// BLAS symbols apart from those that libtorch brings.
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>

#include "gemm_libraries.h"
#include "strata/base/check.h"

namespace strata::kernels {
namespace {

using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                       const int*, const float*, const int*, const float*, float*, const int*);

// An operand as column-major BLAS sees it: the transpose of a row-major matrix.
struct Operand {
  explicit Operand(const at::Tensor& matrix)
      : transposed(matrix.stride(1) != 1),
        // A single row's stride means nothing, but BLAS wants room for the columns between rows all the same.
        leading(static_cast<int>(std::max(matrix.stride(transposed ? 1 : 0), matrix.size(transposed ? 0 : 1)))),
        data(static_cast<const float*>(matrix.data_ptr())) {
    STRATA_ASSERT(matrix.stride(0) == 1 || matrix.stride(1) == 1);
  }
  const char* flag() const { return transposed ? "T" : "N"; }

  bool transposed;
  int leading;
  const float* data;
};

class BlasGemm final : public Gemm {
 public:
  BlasGemm(std::string name, Sgemm sgemm, std::unique_ptr<Gemm> other)
      : name_(std::move(name)), sgemm_(sgemm), other_(std::move(other)) {}

  std::string name() const override { return name_; }

  void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const override {
    if (a_MK.scalar_type() != at::kFloat) return other_->multiply(out_MN, a_MK, b_KN, add);
    const Operand a(a_MK);
    const Operand b(b_KN);
    const int m = static_cast<int>(out_MN.size(0));
    const int n = static_cast<int>(out_MN.size(1));
    const int k = static_cast<int>(a_MK.size(1));
    const int leading = static_cast<int>(out_MN.stride(0));
    const float one = 1.0F;
    const float beta = add ? 1.0F : 0.0F;
    sgemm_(b.flag(), a.flag(), &n, &m, &k, &one, b.data, &b.leading, a.data, &a.leading, &beta,
           static_cast<float*>(out_MN.data_ptr()), &leading);
  }

 private:
  std::string name_;
  Sgemm sgemm_;
  std::unique_ptr<Gemm> other_;  // for bf16, which BLAS does not have
};

}  // namespace

std::unique_ptr<Gemm> load_blas_gemm(const BlasLibrary& library) {
  void* handle = dlopen(library.file, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return nullptr;
  const auto sgemm = reinterpret_cast<Sgemm>(dlsym(handle, "sgemm_"));
  if (sgemm == nullptr) return nullptr;
  // BLIS starts with one thread where no environment variable says otherwise.
  if (const auto set_threads = reinterpret_cast<void (*)(int64_t)>(dlsym(handle, library.set_num_threads))) {
    set_threads(at::get_num_threads());
  }
  return std::make_unique<BlasGemm>(library.name, sgemm, make_aten_gemm());
}

}  // namespace strata::kernels
