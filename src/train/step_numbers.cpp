#include "strata/train/step_numbers.h"

#include "strata/kernels/clip.h"
#include "strata/train/layer_statistics.h"

namespace strata::train {

StepNumbers::StepNumbers(const Division& division, const workers::Communicator& workers, int64_t layers,
                         int64_t of_gradients, int64_t of_parameters, Allocator& allocator)
    : first_virtual_rank(workers.rank() * division.ranks_per_worker()) {
  const int64_t rows = division.virtual_ranks;
  const int64_t columns = 1 + LayerStatistics::num_sums(layers);
  const int64_t before_sums = kernels::kClipNumbers + of_gradients + of_parameters;
  const auto zeros = [&](const char* name, int64_t size) {
    return allocator.zeros(MemoryClass::kWorkspace, name, {size}, at::kDouble);
  };
  const at::Tensor all = zeros("numbers of a step", before_sums + rows * columns);
  outcome = all.narrow(0, 0, kernels::kClipNumbers);
  gradients = all.narrow(0, kernels::kClipNumbers, of_gradients);
  parameters = all.narrow(0, kernels::kClipNumbers + of_gradients, of_parameters);
  sums_SK = all.narrow(0, before_sums, rows * columns).view({rows, columns});
  for_host = all.narrow(0, 0, before_sums + columns);
  scales_M = zeros("scales of micro-batches", division.micro_batches / division.world_size);
}

StepNumbers::OnHost StepNumbers::on_host(const at::Tensor& copy) const {
  const std::span<const double> all(copy.const_data_ptr<double>(), static_cast<size_t>(copy.numel()));
  const auto of_gradients = static_cast<size_t>(gradients.numel());
  const auto of_parameters = static_cast<size_t>(parameters.numel());
  const std::span<const double> rest = all.subspan(kernels::kClipNumbers);
  return {.outcome = all.first(kernels::kClipNumbers),
          .gradients = rest.first(of_gradients),
          .parameters = rest.subspan(of_gradients, of_parameters),
          .loss = rest[of_gradients + of_parameters],
          .layers = rest.subspan(of_gradients + of_parameters + 1)};
}

}  // namespace strata::train
