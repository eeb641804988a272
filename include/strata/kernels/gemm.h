#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

namespace strata::kernels {

/// Matrix products, behind one seam: which library computes them decides speed and last bits.
class Gemm {
 public:
  virtual ~Gemm() = default;
  /// `aten`, `blis`, `openblas` or `tiles`; on a GPU `cublas`.
  virtual std::string name() const = 0;
  /// out_MN = a_MK b_KN, or += with `add`. All 2-D, fp32 or bf16; bf16 factors may have an fp32 product. out is
  /// row-major; a and b have unit stride along one dimension, so transposed views are fine.
  virtual void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const = 0;
};

/// The libraries for the CPU that this machine has: `aten` and `tiles` always. `tiles` is Strata's own: every element
/// is computed the same way whatever the number of threads and the other rows.
std::vector<std::string> available_gemms();

/// A library that Strata would use and this machine lacks.
struct MissingGemm {
  std::string name;
  std::string package;  // of Debian
};
std::vector<MissingGemm> missing_gemms();

/// Throws UsageError for a library that is not installed, naming the Debian package.
std::unique_ptr<Gemm> make_gemm(const std::string& name);

/// cuBLAS, for tensors on a GPU.
std::unique_ptr<Gemm> make_cuda_gemm();

/// GFLOP/s of a_MK b_KN of such tensors, on the CPU with the current number of threads: the best of several runs, so
/// that it is the machine's own rate also where others use it.
/// seconds: to take for it, at least of three runs.
double measure_gemm(const Gemm& gemm, int64_t m, int64_t n, int64_t k, const at::TensorOptions& options = at::kFloat,
                    double seconds = 0.2);

/// What decides which library is the fastest: how large a model's products are, and of what type.
struct GemmUse {
  int64_t hidden = 512;
  at::ScalarType factors = at::kFloat;
};

/// The fastest of the libraries on this machine, from a measurement of seconds whose result is kept in the user's cache
/// folder (per processor, library version and thread count; for small models, others, fp32 and bf16 each), so that runs
/// on one machine agree. What is kept was measured on a busy machine if the library is half as fast again by now: then
/// it is measured anew, and also where that is asked for.
std::unique_ptr<Gemm> fastest_gemm(const GemmUse& use = {}, bool anew = false);

}  // namespace strata::kernels
