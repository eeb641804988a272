#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/config/parallel.h"
#include "strata/workers/slices.h"

namespace strata::workers {

/// How a sum over ranks is added. Fixed: as a binary tree over the ranks, ((0+1)+(2+3))+..., the world size being a
/// power of two: the same bits whatever carries them. Fast: in the backend's own order.
using config::SumOrder;

/// A collective under way, which keeps its tensors. They must not be touched until wait() has returned.
class Work {
 public:
  virtual ~Work() = default;
  /// Returns when the results may be read: on the CPU when they are there, on CUDA by what is launched on the current
  /// stream from now on. Throws Error, naming the peers if they are known, when a worker is lost or the timeout passes.
  virtual void wait() = 0;
};
using Handle = std::unique_ptr<Work>;

/// Is told what the thread does that asks for collectives.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void begin_wait() = 0;  // for other workers
  virtual void end_wait() = 0;
  virtual void begin_step(int64_t step) = 0;
  virtual void get_on() = 0;  // with work of its own
};

/// While one of these lives, the worker waits for others. They nest. nullptr: nobody watches.
class [[nodiscard]] Waiting {
 public:
  explicit Waiting(Watcher* watcher) : watcher_(watcher) {
    if (watcher_ != nullptr) watcher_->begin_wait();
  }
  ~Waiting() {
    if (watcher_ != nullptr) watcher_->end_wait();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Watcher* watcher_;
};

/// How long collectives have taken since the workers met.
struct CommunicationTime {
  double busy_seconds = 0.0;    // collectives were under way
  double waited_seconds = 0.0;  // the caller stood still in wait()
};

/// What `world_size` workers do together. Tensors are flat and contiguous, of one dtype (fp32, fp64, bf16, int64) and
/// the same number of elements on every rank; `n` is a whole slice of one rank. Only where sizes are given do slices
/// differ, and some may have nothing.
///
/// Every rank has to ask for the same collectives in the same order; they are carried out in that order behind the
/// caller's back. After one has thrown, nothing else may be asked.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual const char* backend() const = 0;  // "single", "gloo", "nccl"
  int rank() const { return rank_; }
  int world_size() const { return world_size_; }
  bool is_first() const { return rank_ == 0; }

  /// values[n] becomes its sum over the ranks.
  virtual Handle all_reduce(const at::Tensor& values, SumOrder order) = 0;
  /// slice becomes the sum over ranks of their values where this rank's slice is; values are lost where slice is a view
  /// of them.
  virtual Handle reduce_scatter(const at::Tensor& slice, const at::Tensor& values, const SliceSizes& sizes,
                                SumOrder order) = 0;
  /// values become the slices of all ranks; slice may be its place in values.
  virtual Handle all_gather(const at::Tensor& values, const at::Tensor& slice, const SliceSizes& sizes) = 0;
  /// The same of slices[n], of values[world * n].
  Handle reduce_scatter(const at::Tensor& slice, const at::Tensor& values, SumOrder order) {
    return reduce_scatter(slice, values, equal_sizes(world_size_, slice.numel()), order);
  }
  Handle all_gather(const at::Tensor& values, const at::Tensor& slice) {
    return all_gather(values, slice, equal_sizes(world_size_, slice.numel()));
  }
  /// Slice r of received[world * n] becomes slice `rank()` of what rank r sent[world * n].
  virtual Handle all_to_all(const at::Tensor& received, const at::Tensor& sent) = 0;
  /// values[n] become those of rank `root`.
  virtual Handle broadcast(const at::Tensor& values, int root) = 0;
  virtual void barrier() = 0;
  virtual CommunicationTime time() const { return {}; }

  /// Who is told of waits from now on; nullptr: nobody. It must outlive what is under way.
  virtual void set_watcher(Watcher* watcher) { watcher_ = watcher; }
  Watcher* watcher() const { return watcher_; }
  /// The step that the worker is in, for what is said of it where it is lost.
  void begin_step(int64_t step) const {
    if (watcher_ != nullptr) watcher_->begin_step(step);
  }
  /// The worker gets on with long work of its own: the others need not worry.
  void get_on() const {
    if (watcher_ != nullptr) watcher_->get_on();
  }

 protected:
  Communicator(int rank, int world_size) : rank_(rank), world_size_(world_size) {}

 private:
  Watcher* watcher_ = nullptr;
  int rank_;
  int world_size_;
};

/// One worker: every collective is done when it is asked for.
std::unique_ptr<Communicator> alone();

/// One of so many workers, in a plan: it meets nobody, and must be asked for no collective.
std::unique_ptr<Communicator> imagined(int rank, int world_size);

/// This rank's slice of flat values whose number of elements `world_size` divides.
at::Tensor slice_of(const Communicator& workers, const at::Tensor& values);

/// The same on every rank: whether any of them says yes.
bool any(Communicator& workers, bool mine);

/// The text of the first rank.
std::string broadcast_text(Communicator& workers, const std::string& text);

/// Every rank's numbers, rank by rank. All have the same number of them.
std::vector<double> gather_numbers(Communicator& workers, const std::vector<double>& mine);

/// Adds up rows of numbers of all ranks as one binary tree over the rows. rows_SK: contiguous, with room for the rows
/// of rank 0, of rank 1 ..., as many of each, at least one; this rank's are in their place. The first row becomes the
/// sum, the others are lost. The device is not waited for.
void sum_rows(Communicator& workers, const at::Tensor& rows_SK);

/// The sum of all ranks' numbers, one such row of each.
std::vector<double> sum_of_numbers(Communicator& workers, const std::vector<double>& mine);

}  // namespace strata::workers
