// The only source of the kernels that sees CUDA and torch both: a module of its own, which open_cuda opens.
#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/util/env.h>
#include <nvtx3/nvToolsExt.h>

#include <cstring>

#include "kernels/cuda/cuda_kernels.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/pinned_memory.h"
#include "strata/base/text.h"
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
    // What other threads do meanwhile is not recorded, and breaks nothing: NCCL's watchdog asks for events at any time.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    work();
    graph_.capture_end();
  }

  void replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

// What ATen and its libraries read from the environment when they start. Deterministic algorithms allow no other
// workspace of cuBLAS than these two.
void set_up_libraries(const CudaOptions& options) {
  constexpr const char* kWorkspace = "CUBLAS_WORKSPACE_CONFIG";
  if (const auto set = c10::utils::get_env(kWorkspace); set && *set != ":4096:8" && *set != ":16:8") {
    log::warn(strata::str(kWorkspace, "=", *set,
                          ": sums of cuBLAS would not have the same bits every time; :4096:8 is used"));
    c10::utils::set_env(kWorkspace, ":4096:8", true);
  }
  c10::utils::set_env(kWorkspace, ":4096:8", false);
  c10::utils::set_env("CUBLASLT_WORKSPACE_SIZE", "32768", false);
  at::Context& context = at::globalContext();
  context.lazyInitDevice(at::kCUDA);
  context.setAllowTF32CuBLAS(options.tf32);
  context.setAllowBF16ReductionCuBLAS(false);  // sums in fp32
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);  // what is read was written
}

void lock_pages(void* begin, size_t bytes) { C10_CUDA_CHECK(cudaHostRegister(begin, bytes, cudaHostRegisterPortable)); }

// Where the device is gone, as at the program's end, its pages are free.
void unlock_pages(void* begin) { C10_CUDA_IGNORE_ERROR(cudaHostUnregister(begin)); }

class Gpu final : public Cuda {
 public:
  explicit Gpu(const CudaOptions& options) : index_(static_cast<c10::DeviceIndex>(options.index)) {
    const int seen = c10::cuda::device_count();
    if (options.index < 0 || options.index >= seen) {
      throw UsageError(
          strata::str("run.device=cuda: needs GPU ", options.index, " of its host, where CUDA sees ", seen));
    }
    check_capability();
    c10::cuda::set_device(index_);
    set_up_libraries(options);
    use_page_locks({&lock_pages, &unlock_pages});
    use_device_kernels(at::kCUDA, std::make_shared<cuda::CudaKernels>(&current_stream));
  }

  at::Device device() const override { return {at::kCUDA, index_}; }

  std::string name() const override { return at::cuda::getDeviceProperties(index_)->name; }

  std::string identity() const override {
    const cudaUUID_t& uuid = at::cuda::getDeviceProperties(index_)->uuid;
    uint64_t halves[2];
    static_assert(sizeof halves == sizeof uuid.bytes);
    std::memcpy(halves, uuid.bytes, sizeof halves);
    return hex(halves[0]) + hex(halves[1]);
  }

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
  void check_capability() const {
    const cudaDeviceProp& gpu = *at::cuda::getDeviceProperties(index_);
    if (10 * gpu.major + gpu.minor >= STRATA_CUDA_OLDEST) return;
    throw UsageError(strata::str("run.device=cuda: ", gpu.name, " has compute capability ", gpu.major, ".", gpu.minor,
                                 "; this build's kernels are for ", STRATA_CUDA_ARCHITECTURES));
  }

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
