#include "strata/workers/communicator.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

#include "strata/base/check.h"

namespace strata::workers {
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
  Handle reduce_scatter(const at::Tensor& slice, const at::Tensor& values, const SliceSizes&, SumOrder) override {
    return copied(slice, values);
  }
  Handle all_gather(const at::Tensor& values, const at::Tensor& slice, const SliceSizes&) override {
    return copied(values, slice);
  }
  Handle all_to_all(const at::Tensor& received, const at::Tensor& sent) override { return copied(received, sent); }
  Handle broadcast(const at::Tensor&, int) override { return std::make_unique<Done>(); }
  void barrier() override {}
};

class Imagined final : public Communicator {
 public:
  Imagined(int rank, int world_size) : Communicator(rank, world_size) {}

  const char* backend() const override { return "none"; }
  Handle all_reduce(const at::Tensor&, SumOrder) override { return refuse(); }
  Handle reduce_scatter(const at::Tensor&, const at::Tensor&, const SliceSizes&, SumOrder) override { return refuse(); }
  Handle all_gather(const at::Tensor&, const at::Tensor&, const SliceSizes&) override { return refuse(); }
  Handle all_to_all(const at::Tensor&, const at::Tensor&) override { return refuse(); }
  Handle broadcast(const at::Tensor&, int) override { return refuse(); }
  void barrier() override { refuse(); }

 private:
  static Handle refuse() { throw Error("a worker that is only planned cannot talk to others"); }
};

}  // namespace

std::unique_ptr<Communicator> imagined(int rank, int world_size) {
  return std::make_unique<Imagined>(rank, world_size);
}

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

std::string broadcast_text(Communicator& workers, const std::string& text) {
  const auto words_of = [](size_t bytes) { return static_cast<int64_t>((bytes + 7) / 8); };
  const at::Tensor size = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  workers.broadcast(size, 0)->wait();
  const auto bytes = static_cast<size_t>(*size.const_data_ptr<int64_t>());
  if (bytes == 0) return "";
  const at::Tensor words = at::zeros({words_of(bytes)}, at::kLong);
  if (workers.is_first()) std::memcpy(words.mutable_data_ptr(), text.data(), bytes);
  workers.broadcast(words, 0)->wait();
  return {static_cast<const char*>(words.const_data_ptr()), bytes};
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

void sum_rows(Communicator& workers, const at::Tensor& rows_SK) {
  const at::Tensor numbers = rows_SK.view({-1});
  workers.all_gather(numbers, slice_of(workers, numbers))->wait();
  const int64_t rows = rows_SK.size(0);
  for (int64_t stride = 1; stride < rows; stride *= 2) {
    rows_SK.slice(0, 0, rows - stride, 2 * stride).add_(rows_SK.slice(0, stride, rows, 2 * stride));
  }
}

std::vector<double> sum_of_numbers(Communicator& workers, const std::vector<double>& mine) {
  const at::Tensor rows = at::zeros({workers.world_size(), static_cast<int64_t>(mine.size())}, at::kDouble);
  std::ranges::copy(mine, rows[workers.rank()].mutable_data_ptr<double>());
  sum_rows(workers, rows);
  const auto* sum = rows.const_data_ptr<double>();
  return {sum, sum + mine.size()};
}

}  // namespace strata::workers
