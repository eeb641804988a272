#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

enum class Gemm { kAuto, kAten, kBlis, kOpenblas, kTiles };
constexpr std::array<std::string_view, 5> enum_names(Gemm) { return {"auto", "aten", "blis", "openblas", "tiles"}; }

enum class Device { kAuto, kCpu, kCuda };
constexpr std::array<std::string_view, 3> enum_names(Device) { return {"auto", "cpu", "cuda"}; }

/// run.*: this process and its machine
struct RunSettings {
  std::string dir = "runs/unnamed";
  int64_t seed = 42;
  Device device = Device::kAuto;
  int64_t threads = 0;
  Gemm gemm = Gemm::kAuto;
  bool tf32 = false;

  void fields(auto& field) {
    field("dir", dir, Affects::kExecution, "run folder; {norm.scheme} in it stands for that key's value");
    field("seed", seed, Affects::kNumbers, "where random numbers start, those of data.seed aside", at_least(0));
    field("device", device, Affects::kExecution, "what computes; auto: a GPU where one is visible, else the CPU");
    field("threads", threads, Affects::kExecution, "processor threads; 0: OMP_NUM_THREADS, or all cores", at_least(0));
    field("gemm", gemm, Affects::kHost, "matrix library on the CPU");
    field("tf32", tf32, Affects::kNumbers,
          "on a GPU, matrix products of fp32 in TF32: faster, and with bf16's precision");
  }

  bool operator==(const RunSettings&) const = default;
};

}  // namespace strata::config
