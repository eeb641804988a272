// The only source that sees NCCL: a module of its own, which connect_nccl opens.
#include "strata/workers/nccl.h"

#include <ATen/Context.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/util/env.h>

#include <deque>
#include <exception>
#include <thread>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "strata/base/check.h"
#include "workers/durations.h"
#include "workers/store_connection.h"
#include "workers/tree_sum.h"

namespace strata::workers {
namespace {

using at::cuda::CUDAEvent;
using c10d::ProcessGroupNCCL;

// c10d's messages have several lines, and a stack trace behind them.
std::string reason(const c10::Error& failure) {
  std::string text = failure.what_without_backtrace();
  while (text.ends_with('\n')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// c10d's watchdog is to end what is under way after a failure, not the process, and at once, not after a minute for its
// traces.
void keep_the_process() {
  for (const auto& [name, value] :
       {std::pair("TORCH_NCCL_ASYNC_ERROR_HANDLING", "2"),  // CleanUpOnly
        std::pair("TORCH_NCCL_ENABLE_MONITORING", "0"), std::pair("TORCH_NCCL_DUMP_ON_TIMEOUT", "0"),
        std::pair("TORCH_NCCL_WAIT_TIMEOUT_DUMP_MILSEC", "0")}) {
    c10::utils::set_env(name, value, false);
  }
}

// NCCL itself waits for ever for a worker that does not come.
void wait_for_all(const Store& store, const NcclOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(options.timeout);
  const auto wait_for = [&](const std::string& key, int worker) {
    const Store::Seconds left = deadline - Clock::now();
    STRATA_CHECK(store.wait_for(key, std::max(left, Store::Seconds(0))).has_value(), "nccl: worker ", worker,
                 " did not come within ", options.timeout.count(), " s");
  };
  if (options.rank > 0) {
    store.set(strata::str("here/", options.rank), "yes");
    return wait_for("all", 0);
  }
  for (int worker = 1; worker < options.world_size; ++worker) wait_for(strata::str("here/", worker), worker);
  store.set("all", "yes");
}

c10::Device device_of(const NcclOptions& options) {
  const int seen = c10::cuda::device_count();
  if (options.device < 0 || options.device >= seen) {
    throw UsageError(strata::str("parallel.backend=nccl: worker ", options.rank, " needs GPU ", options.device,
                                 " of its host, where CUDA sees ", seen));
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(options.device)};
}

// A process group whose collectives go on one stream, with what belongs to them.
class Group {
 public:
  Group(const Store& store, const NcclOptions& options)
      : device(device_of(options)),
        stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index())),
        timeout_(options.timeout) {
    at::globalContext().lazyInitDevice(c10::kCUDA);
    keep_the_process();
    wait_for_all(store, options);
    auto group_options = ProcessGroupNCCL::Options::create(/*is_high_priority_stream=*/true);
    group_options->timeout = milliseconds(timeout_);
    try {
      nccl = c10::make_intrusive<ProcessGroupNCCL>(StoreConnection::of(store, timeout_), options.rank,
                                                   options.world_size, std::move(group_options));
      nccl->eagerConnectSingleDevice(device);
    } catch (const c10::Error& failure) {
      if (nccl) end();
      throw Error(strata::str("nccl: worker ", options.rank, " cannot connect GPU ", options.device,
                              " to the others: ", reason(failure)));
    }
  }

  // Throws what the watchdog has found.
  void check() {
    const c10d::ErrorType error = nccl->getError();
    if (error == c10d::ErrorType::SUCCESS) return;
    failed_ = true;
    throw Error(error == c10d::ErrorType::TIMEOUT
                    ? strata::str("lost a worker: a collective took longer than ", timeout_.count(), " s")
                    : std::string("lost a worker: NCCL failed; with NCCL_DEBUG=INFO it says why"));
  }

  void wait_for(const CUDAEvent& event) {
    const Stopwatch watch(waited);
    for (; !event.query(); std::this_thread::sleep_for(std::chrono::microseconds(20))) check();
    check();  // giving up completes the event too
  }

  template <class Collective>
  void ask(const Collective& collective) {
    try {
      collective(*nccl);
    } catch (const c10::DistError& failure) {
      failed_ = true;
      throw Error("lost a worker: " + reason(failure));
    }
  }

  // Where this worker fails, the others must not wait for it; else NCCL lets go in good order.
  void close(const CUDAEvent& last) {
    try {
      if (!failed_ && std::uncaught_exceptions() == 0) {
        wait_for(last);
        return nccl->shutdown();
      }
    } catch (const std::exception&) {
    }
    end();
  }

  const c10::Device device;
  const c10::cuda::CUDAStream stream;
  c10::intrusive_ptr<ProcessGroupNCCL> nccl;
  std::atomic<int64_t> waited = 0;  // nanoseconds

 private:
  void end() noexcept {
    try {
      nccl->abort();
    } catch (const std::exception&) {  // NCCL hangs: the process will end without it
    }
  }

  Store::Seconds timeout_;
  std::atomic<bool> failed_ = false;
};

// What a tensor on the CPU stands for: its copy on the GPU, and memory that the GPU can copy to and from by itself.
at::Tensor pinned_like(const at::Tensor& tensor) {
  return at::empty_like(tensor, tensor.options().pinned_memory(true));
}

at::Tensor on_device(const at::Tensor& tensor, c10::Device device) {
  const at::Tensor pinned = pinned_like(tensor).copy_(tensor);
  return at::empty_like(tensor, tensor.options().device(device)).copy_(pinned, /*non_blocking=*/true);
}

class Pending final : public Work {
 public:
  Pending(std::shared_ptr<Group> group, std::shared_ptr<CUDAEvent> done, at::Tensor result, at::Tensor destination,
          Watcher* watcher)
      : group_(std::move(group)),
        done_(std::move(done)),
        result_(std::move(result)),
        destination_(std::move(destination)),
        watcher_(watcher) {}

  void wait() override {
    if (result_.defined()) {
      const Waiting waiting(watcher_);
      group_->wait_for(*done_);
      destination_.copy_(result_);
    } else {
      group_->check();
      done_->block(c10::cuda::getCurrentCUDAStream(group_->device.index()));
    }
  }

 private:
  std::shared_ptr<Group> group_;
  std::shared_ptr<CUDAEvent> done_;
  at::Tensor result_, destination_;  // of tensors on the CPU
  Watcher* watcher_;
};

class Nccl final : public Communicator {
 public:
  Nccl(const Store& store, const NcclOptions& options)
      : Communicator(options.rank, options.world_size), group_(std::make_shared<Group>(store, options)) {}
  ~Nccl() override { group_->close(*last_); }
  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  const char* backend() const override { return "nccl"; }

  CommunicationTime time() const override {
    count_finished();
    return {.busy_seconds = busy_seconds_, .waited_seconds = seconds_of(group_->waited)};
  }

  Handle all_reduce(const at::Tensor& values, SumOrder order) override {
    return later(values, values, [this, order](at::Tensor& sum, at::Tensor& mine) {
      if (order == SumOrder::kFast) {
        std::vector<at::Tensor> tensors{sum};
        return group_->ask([&](ProcessGroupNCCL& nccl) { nccl.allreduce(tensors, {.asyncOp = false}); });
      }
      at::Tensor all = at::empty({mine.numel() * world_size()}, mine.options());
      gather(all, mine);
      tree_sum(sum, all, world_size());
    });
  }

  Handle reduce_scatter(const at::Tensor& slice, const at::Tensor& values, const SliceSizes& sizes,
                        SumOrder order) override {
    return later(slice, values, [this, sizes, order](at::Tensor& sum, at::Tensor& mine) {
      if (order == SumOrder::kFast && are_equal(sizes)) {
        return group_->ask([&](ProcessGroupNCCL& nccl) { nccl._reduce_scatter_base(sum, mine, {.asyncOp = false}); });
      }
      at::Tensor received = at::empty({sum.numel() * world_size()}, mine.options());
      exchange(received, mine, SliceSizes(sizes.size(), sum.numel()), sizes);
      tree_sum(sum, received, world_size());
    });
  }

  Handle all_gather(const at::Tensor& values, const at::Tensor& slice, const SliceSizes& sizes) override {
    return later(values, slice, [this, sizes](at::Tensor& all, at::Tensor& mine) {
      if (are_equal(sizes)) return gather(all, mine);
      const at::Tensor place = slice_of(all, sizes, rank());
      if (place.const_data_ptr() != mine.const_data_ptr()) place.copy_(mine);
      for (int root = 0; root < world_size(); ++root) send(slice_of(all, sizes, root), root);
    });
  }

  Handle all_to_all(const at::Tensor& received, const at::Tensor& sent) override {
    return later(received, sent, [this](at::Tensor& to, at::Tensor& from) { exchange(to, from, {}, {}); });
  }

  Handle broadcast(const at::Tensor& values, int root) override {
    return later(values, values, [this, root](at::Tensor& to, at::Tensor&) { send(to, root); });
  }

  void barrier() override { all_reduce(at::zeros({1}, at::kLong), SumOrder::kFast)->wait(); }

 private:
  // Without asyncOp, c10d launches on the current stream.
  void gather(at::Tensor& all, at::Tensor& mine) {
    group_->ask([&](ProcessGroupNCCL& nccl) { nccl._allgather_base(all, mine, {.asyncOp = false}); });
  }

  void send(const at::Tensor& values, int root) {
    if (values.numel() == 0) return;
    std::vector<at::Tensor> tensors{values};
    group_->ask([&](ProcessGroupNCCL& nccl) { nccl.broadcast(tensors, {.rootRank = root, .asyncOp = false}); });
  }

  // Without sizes all are equal.
  void exchange(at::Tensor& received, at::Tensor& sent, SliceSizes received_sizes, SliceSizes sent_sizes) {
    group_->ask([&](ProcessGroupNCCL& nccl) {
      nccl.alltoall_base(received, sent, received_sizes, sent_sizes, {.asyncOp = false});
    });
  }

  template <class Collective>
  Handle later(const at::Tensor& output, const at::Tensor& input, const Collective& collective) {
    group_->check();
    count_finished();
    const c10::cuda::CUDAGuard device(group_->device);
    CUDAEvent asked;
    asked.record(c10::cuda::getCurrentCUDAStream(group_->device.index()));
    asked.block(group_->stream);
    const c10::cuda::CUDAStreamGuard guard(group_->stream);
    const auto started = std::make_shared<CUDAEvent>(cudaEventDefault);  // with its time
    started->record(group_->stream);
    at::Tensor result;
    if (output.is_cpu()) {
      at::Tensor from = on_device(input, group_->device);
      at::Tensor to = output.is_same(input) ? from : at::empty_like(output, output.options().device(group_->device));
      collective(to, from);
      result = pinned_like(output).copy_(to, /*non_blocking=*/true);
    } else {
      at::Tensor from = input, to = output;
      for (const at::Tensor& tensor : {from, to}) {  // its memory is not given to others before the stream is done
        c10::cuda::CUDACachingAllocator::recordStream(tensor.storage().data_ptr(), group_->stream);
      }
      collective(to, from);
    }
    last_ = std::make_shared<CUDAEvent>(cudaEventDefault);
    last_->record(group_->stream);
    under_way_.emplace_back(started, last_);
    return std::make_unique<Pending>(group_, last_, result, output, watcher());
  }

  void count_finished() const {
    while (!under_way_.empty() && under_way_.front().second->query()) {
      const auto& [start, end] = under_way_.front();
      busy_seconds_ += 1e-3 * static_cast<double>(start->elapsed_time(*end));
      under_way_.pop_front();
    }
  }

  std::shared_ptr<Group> group_;
  std::shared_ptr<CUDAEvent> last_ = std::make_shared<CUDAEvent>();  // of what was asked last
  mutable std::deque<std::pair<std::shared_ptr<CUDAEvent>, std::shared_ptr<CUDAEvent>>> under_way_;
  mutable double busy_seconds_ = 0.0;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) Communicator* strata_connect_nccl(const Store& store,
                                                                                    const NcclOptions& options) {
  return std::make_unique<Nccl>(store, options).release();
}

}  // namespace strata::workers
