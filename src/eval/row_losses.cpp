#include "eval/row_losses.h"

namespace strata::eval {

std::vector<double> row_losses(nn::Model& model, std::span<const data::ScoredRow> rows, bool as_tree) {
  const int64_t vocab = model.spec().dims.vocab;
  const auto batch = as_tree ? data::prefix_tree(rows, vocab) : data::separate_rows(rows, vocab);
  const at::Tensor losses_T = model.losses_T(model.upload(batch));
  const auto* loss = losses_T.const_data_ptr<float>();
  std::vector<double> sums;
  for (const data::ScoredRow& row : rows) {
    double sum = 0.0;
    for (size_t t = 0; t < row.targets.size(); ++t) sum += static_cast<double>(*loss++);
    sums.push_back(sum);
  }
  return sums;
}

}  // namespace strata::eval
