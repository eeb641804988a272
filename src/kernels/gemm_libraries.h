// The implementations behind kernels/gemm.h.
#pragma once

#include <memory>

#include "strata/kernels/gemm.h"

namespace strata::kernels {

std::unique_ptr<Gemm> make_aten_gemm();
std::unique_ptr<Gemm> make_tiles_gemm();

/// A BLAS in a shared library, used through its `sgemm_`. nullptr if it cannot be loaded.
struct BlasLibrary {
  const char* name;
  const char* file;             // found by the dynamic loader, so without a folder
  const char* package;          // of Debian
  const char* set_num_threads;  // the library's own function
};
inline constexpr BlasLibrary kBlasLibraries[] = {
    {"blis", "libblis.so.4", "libblis4-openmp", "bli_thread_set_num_threads"},
    {"openblas", "libopenblas.so.0", "libopenblas0-openmp", "openblas_set_num_threads"},
};
std::unique_ptr<Gemm> load_blas_gemm(const BlasLibrary& library);

}  // namespace strata::kernels
