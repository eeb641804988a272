#include "strata/dist/communicator.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "strata/base/check.h"

namespace strata::dist {
namespace {

class Done final : public Work {
 public:
  void wait() override {}
};

Handle copied(const at::Tensor& to, const at::Tensor& from) {
  STRATA_ASSERT(to.numel() == from.numel());
  if (to.const_data_ptr() != from.const_data_ptr()) to.copy_(from);
  return std::make_unique<Done>();
}

class Alone final : public Communicator {
 public:
  Alone() : Communicator(0, 1) {}

  const char* backend() const override { return "single"; }
  Handle all_reduce(const at::Tensor&, SumOrder) override { return std::make_unique<Done>(); }
  Handle reduce_scatter(const at::Tensor& slice, const at::Tensor& values, SumOrder) override {
    return copied(slice, values);
  }
  Handle all_gather(const at::Tensor& values, const at::Tensor& slice) override { return copied(values, slice); }
  Handle all_to_all(const at::Tensor& received, const at::Tensor& sent) override { return copied(received, sent); }
  Handle broadcast(const at::Tensor&, int) override { return std::make_unique<Done>(); }
  void barrier() override {}
};

}  // namespace

std::unique_ptr<Communicator> alone() { return std::make_unique<Alone>(); }

at::Tensor slice_of(const Communicator& workers, const at::Tensor& values) {
  STRATA_ASSERT(values.numel() % workers.world_size() == 0);
  const int64_t size = values.numel() / workers.world_size();
  return values.narrow(0, workers.rank() * size, size);
}

bool any(Communicator& workers, bool mine) {
  if (workers.world_size() == 1) return mine;
  return std::ranges::any_of(gather_numbers(workers, {mine ? 1.0 : 0.0}), [](double yes) { return yes > 0.0; });
}

std::vector<double> gather_numbers(Communicator& workers, const std::vector<double>& mine) {
  const auto size = static_cast<int64_t>(mine.size());
  if (workers.world_size() == 1 || size == 0) return mine;
  std::vector<double> all(mine.size() * static_cast<size_t>(workers.world_size()));
  const at::Tensor values = at::from_blob(all.data(), {static_cast<int64_t>(all.size())}, at::kDouble);
  const at::Tensor slice = slice_of(workers, values);
  std::ranges::copy(mine, slice.mutable_data_ptr<double>());
  workers.all_gather(values, slice)->wait();
  return all;
}

}  // namespace strata::dist
