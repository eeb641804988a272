// The only source of the kernels that sees CUDA and torch both: a module of its own, which open_cuda opens.
#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/util/env.h>
#include <nvtx3/nvToolsExt.h>

#include "kernels/cuda/cuda_kernels.h"
#include "strata/base/check.h"
#include "strata/kernels/cuda.h"
#include "strata/kernels/device.h"

namespace strata::kernels {
namespace {

cuda::Stream current_stream() { return c10::cuda::getCurrentCUDAStream().stream(); }

class Graph final : public CudaGraph {
 public:
  // Recording needs a stream that is not the default one, and so does what comes before it in that stream.
  void capture(const std::function<void()>& work) override {
    const auto outside = c10::cuda::getCurrentCUDAStream();
    const auto recorded = c10::cuda::getStreamFromPool();
    c10::cuda::stream_synchronize(outside);
    const c10::cuda::CUDAStreamGuard guard(recorded);
    graph_.capture_begin();
    work();
    graph_.capture_end();
  }

  void replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

// What ATen and its libraries read from the environment when they start.
void set_up_libraries(const CudaOptions& options) {
  for (const auto& [name, value] : {std::pair("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),  // deterministic on every stream
                                    std::pair("CUBLASLT_WORKSPACE_SIZE", "32768")}) {
    c10::utils::set_env(name, value, false);
  }
  at::Context& context = at::globalContext();
  context.lazyInitDevice(at::kCUDA);
  context.setAllowTF32CuBLAS(options.tf32);
  context.setAllowBF16ReductionCuBLAS(false);  // sums in fp32
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);  // what is read was written
}

class Gpu final : public Cuda {
 public:
  explicit Gpu(const CudaOptions& options) : index_(static_cast<c10::DeviceIndex>(options.index)) {
    const int seen = c10::cuda::device_count();
    if (options.index < 0 || options.index >= seen) {
      throw UsageError(
          strata::str("run.device=cuda: needs GPU ", options.index, " of its host, where CUDA sees ", seen));
    }
    c10::cuda::set_device(index_);
    set_up_libraries(options);
    use_device_kernels(at::kCUDA, std::make_shared<cuda::CudaKernels>(&current_stream));
  }

  at::Device device() const override { return {at::kCUDA, index_}; }

  std::string name() const override { return at::cuda::getDeviceProperties(index_)->name; }

  Memory memory() const override {
    size_t free = 0;
    size_t total = 0;
    C10_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    return {.free = static_cast<int64_t>(free), .total = static_cast<int64_t>(total)};
  }

  int64_t peak_allocated_bytes() const override {
    const auto statistics = c10::cuda::CUDACachingAllocator::getDeviceStats(index_);
    return statistics.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
  }

  std::unique_ptr<CudaGraph> make_graph() const override { return std::make_unique<Graph>(); }

  void enter_range(const char* phase) override {
    if (in_range_) nvtxRangePop();
    in_range_ = phase != nullptr;
    if (in_range_) nvtxRangePushA(phase);
  }

 private:
  c10::DeviceIndex index_;
  bool in_range_ = false;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) Cuda* strata_open_cuda(const CudaOptions& options) {
  return std::make_unique<Gpu>(options).release();
}

extern "C" __attribute__((visibility("default"))) const char* strata_cuda_architectures() {
  return STRATA_CUDA_ARCHITECTURES;
}

}  // namespace strata::kernels
