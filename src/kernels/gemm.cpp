#include "strata/kernels/gemm.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <chrono>

#include "gemm_libraries.h"
#include "gemm_parts.h"
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
    for_gemm_parts(out_MN.size(0), out_MN.size(1), a_MK.size(1), [&](const GemmPart& part) {
      multiply_part(out_MN.narrow(0, part.row, part.rows).narrow(1, part.column, part.columns),
                    a_MK.narrow(0, part.row, part.rows), b_KN.narrow(1, part.column, part.columns), add);
    });
  }

 private:
  static void multiply_part(at::Tensor out, const at::Tensor& a, const at::Tensor& b, bool add) {
    const at::ScalarType type = out.scalar_type();
    if (a.scalar_type() != type) return multiply_part(out, a.to(type), b.to(type), add);
    if (add) {
      at::addmm_out(out, out, a, b);
    } else {
      at::mm_out(out, a, b);
    }
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

std::unique_ptr<Gemm> make_aten_gemm() {
  if (auto direct = make_mkl_gemm("aten")) return direct;
  return std::make_unique<AtenGemm>();
}

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

double measure_gemm(const Gemm& gemm, int64_t m, int64_t n, int64_t k, const at::TensorOptions& options,
                    double seconds) {
  using Clock = std::chrono::steady_clock;
  const at::Tensor a = at::ones({m, k}, options);
  const at::Tensor b = at::ones({k, n}, options);
  const at::Tensor out = at::empty({m, n}, options);
  synchronize(out.device());
  // The first run is slow, and on a machine that does something else too most of the others are.
  constexpr int kFewest = 3, kMost = 40;
  double best = 0.0;
  double total = 0.0;
  for (int run = 0; run < kFewest || (run < kMost && total < seconds); ++run) {
    const auto start = Clock::now();
    gemm.multiply(out, a, b, false);
    synchronize(out.device());
    const double taken = std::chrono::duration<double>(Clock::now() - start).count();
    total += taken;
    best = std::max(best, 2.0 * static_cast<double>(m * n * k) / taken / 1e9);
  }
  return best;
}

}  // namespace strata::kernels
