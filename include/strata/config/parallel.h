#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/config/affects.h"
#include "strata/config/checks.h"

namespace strata::config {

enum class Backend { kAuto, kGloo, kNccl };
constexpr std::array<std::string_view, 3> enum_names(Backend) { return {"auto", "gloo", "nccl"}; }

enum class SumOrder { kFixed, kFast };
constexpr std::array<std::string_view, 2> enum_names(SumOrder) { return {"fixed", "fast"}; }

/// parallel.*: several workers
struct ParallelConfig {
  SumOrder order = SumOrder::kFixed;
  int64_t virtual_ranks = 0;
  int64_t zero = 0;
  int64_t bucket_mb = 25;
  Backend backend = Backend::kAuto;
  std::string interface = {};
  int64_t timeout_seconds = 600;

  void fields(auto& field) {
    field("order", order, Affects::kNumbers,
          "how gradients are added: fixed gives the same bits on any number of workers; fast leaves it "
          "to the backend");
    field("virtual_ranks", virtual_ranks, Affects::kNumbers,
          "parts of a step that a fixed order adds as a tree, and most workers there "
          "can be: a power of two that divides the micro-batches; 0: the largest up to 8",
          in_range(0, 64));
    field("zero", zero, Affects::kExecution,
          "1: each worker keeps and updates only its part of the optimizer's states and, under mixed, of the master "
          "values (ZeRO-1)",
          in_range(0, 1));
    field("bucket_mb", bucket_mb, Affects::kExecution, "megabytes of gradients that travel at a time",
          in_range(1, 4096));
    field("backend", backend, Affects::kExecution,
          "what carries them: gloo over TCP, nccl among GPUs; auto: nccl where workers compute on GPUs, else gloo");
    field("interface", interface, Affects::kHost,
          "network interface of gloo; empty: the one that leads to the first worker's host");
    field("timeout_seconds", timeout_seconds, Affects::kExecution,
          "without a sign of life from a worker, until it is given up", in_range(1, 86400));
  }

  bool operator==(const ParallelConfig&) const = default;
};

}  // namespace strata::config
