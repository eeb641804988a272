#include "strata/kernels/gemm.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <chrono>

#include "gemm_libraries.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/kernels/cuda.h"

namespace strata::kernels {
namespace {

// bf16 factors into an fp32 result: the CPU has no such product, so the factors are widened first.
class AtenGemm final : public Gemm {
 public:
  std::string name() const override { return "aten"; }

  void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const override {
    at::Tensor out = out_MN;
    if (a_MK.scalar_type() != out.scalar_type()) return widened(a_MK, b_KN, out, add);
    if (add) {
      at::addmm_out(out, out, a_MK, b_KN);
    } else {
      at::mm_out(out, a_MK, b_KN);
    }
  }

 private:
  void widened(const at::Tensor& a_MK, const at::Tensor& b_KN, const at::Tensor& out_MN, bool add) const {
    multiply(out_MN, a_MK.to(out_MN.scalar_type()), b_KN.to(out_MN.scalar_type()), add);
  }
};

// cuBLAS, through ATen: bf16 factors have an fp32 product of their own.
class CublasGemm final : public Gemm {
 public:
  std::string name() const override { return "cublas"; }

  void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const override {
    at::Tensor out = out_MN;
    const at::ScalarType type = out.scalar_type();
    if (a_MK.scalar_type() == type) {
      if (add) {
        at::addmm_out(out, out, a_MK, b_KN);
      } else {
        at::mm_out(out, a_MK, b_KN);
      }
    } else if (add) {
      at::addmm_out(out, out, a_MK, b_KN, type);
    } else {
      at::mm_out(out, a_MK, b_KN, type);
    }
  }
};

}  // namespace

std::unique_ptr<Gemm> make_cuda_gemm() { return std::make_unique<CublasGemm>(); }

std::unique_ptr<Gemm> make_aten_gemm() { return std::make_unique<AtenGemm>(); }

std::vector<std::string> available_gemms() {
  std::vector<std::string> names{"aten", "tiles"};
  for (const BlasLibrary& library : kBlasLibraries) {
    if (load_blas_gemm(library)) names.emplace_back(library.name);
  }
  return names;
}

std::vector<MissingGemm> missing_gemms() {
  std::vector<MissingGemm> missing;
  for (const BlasLibrary& library : kBlasLibraries) {
    if (!load_blas_gemm(library)) missing.push_back({library.name, library.package});
  }
  return missing;
}

std::unique_ptr<Gemm> make_gemm(const std::string& name) {
  if (name == "aten") return make_aten_gemm();
  if (name == "tiles") return make_tiles_gemm();
  for (const BlasLibrary& library : kBlasLibraries) {
    if (name != library.name) continue;
    auto gemm = load_blas_gemm(library);
    if (!gemm) throw UsageError(str("run.gemm: ", name, " is not installed (Debian package ", library.package, ")"));
    return gemm;
  }
  throw UsageError(str("run.gemm: unknown library \"", name, "\" (known: aten blis openblas tiles)"));
}

double measure_gemm(const Gemm& gemm, int64_t m, int64_t n, int64_t k, const at::TensorOptions& options) {
  using Clock = std::chrono::steady_clock;
  const at::Tensor a = at::ones({m, k}, options);
  const at::Tensor b = at::ones({k, n}, options);
  const at::Tensor out = at::empty({m, n}, options);
  synchronize(out.device());
  // The first run is slow, and on a machine that does something else too most of the others are.
  constexpr double kLongEnough = 0.2;  // seconds in all
  constexpr int kFewest = 3, kMost = 40;
  double best = 0.0;
  double total = 0.0;
  for (int run = 0; run < kFewest || (run < kMost && total < kLongEnough); ++run) {
    const auto start = Clock::now();
    gemm.multiply(out, a, b, false);
    synchronize(out.device());
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    total += seconds;
    best = std::max(best, 2.0 * static_cast<double>(m * n * k) / seconds / 1e9);
  }
  return best;
}

}  // namespace strata::kernels
