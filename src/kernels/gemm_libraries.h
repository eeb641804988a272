// The implementations behind kernels/gemm.h.
#pragma once

#include <memory>

#include "scalar.inl"
#include "strata/kernels/gemm.h"

namespace strata::kernels {

std::unique_ptr<Gemm> make_aten_gemm();
std::unique_ptr<Gemm> make_tiles_gemm();

/// BLAS's `sgemm_`, or its like for other factors: c_NM = alpha op(a) op(b) + beta c, all column-major.
template <class T>
using BlasProduct = void (*)(const char* op_a, const char* op_b, const int* n, const int* m, const int* k,
                             const float* alpha, const T* a, const int* a_leading, const T* b, const int* b_leading,
                             const float* beta, float* c, const int* c_leading);

/// bf16 into fp32: nullptr where there is none, and factors are widened instead.
struct BlasProducts {
  BlasProduct<float> fp32 = nullptr;
  BlasProduct<Bf16> bf16 = nullptr;
};

/// Those of the MKL that libtorch brings; nullptr where it brings none.
BlasProducts products_of_libtorch();

/// fp32 must be there.
std::unique_ptr<Gemm> make_blas_gemm(const std::string& name, const BlasProducts& products);

/// Over libtorch's MKL, with its products of bf16 where the processor makes them fast; nullptr where there is no MKL.
std::unique_ptr<Gemm> make_mkl_gemm(const std::string& name);

/// A BLAS in a shared library, used through its `sgemm_`. nullptr if it cannot be loaded.
struct BlasLibrary {
  const char* name;
  const char* file;     // found by the dynamic loader, so without a folder
  const char* package;  // of Debian
};
inline constexpr BlasLibrary kBlasLibraries[] = {
    {"blis", "libblis.so.4", "libblis4-openmp"},
    {"openblas", "libopenblas.so.0", "libopenblas0-openmp"},
};
std::unique_ptr<Gemm> load_blas_gemm(const BlasLibrary& library);

}  // namespace strata::kernels
