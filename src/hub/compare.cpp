#include "strata/hub/compare.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <random>

#include "strata/base/check.h"
#include "strata/data/source.h"
#include "strata/nn/model.h"

namespace strata::hub {
namespace {

constexpr int64_t kMostTokens = 1024;
constexpr int64_t kLongestRow = 256;

// The beginning of Jane Austen's "Persuasion".
constexpr std::string_view kParagraph =
    "Sir Walter Elliot, of Kellynch Hall, in Somersetshire, was a man who, for his own amusement, never took up "
    "any book but the Baronetage; there he found occupation for an idle hour, and consolation in a distressed "
    "one; there his faculties were roused into admiration and respect, by contemplating the limited remnant of "
    "the earliest patents; there any unwelcome sensations, arising from domestic affairs, changed naturally into "
    "pity and contempt as he turned over the almost endless creations of the last century; and there, if every "
    "other leaf were powerless, he could read his own history with an interest which never failed.";

std::vector<at::Tensor> logits_of(const ModelFolder& folder, const data::TokenRows& rows, const kernels::Gemm& gemm) {
  int64_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, std::ssize(row));
  Allocator allocator(at::kCPU);
  nn::Model model(folder.spec,
                  {.limits = {.max_tokens = longest, .longest_row = longest}, .loss_chunk = 1, .gradients = false},
                  gemm, allocator);
  nn::load_parameters(model.parameters(), folder.weights);
  std::vector<at::Tensor> logits;
  for (const auto& row : rows) {
    const auto batch = data::TokenBatch::from_rows({row}, nullptr, folder.spec.dims.vocab);
    logits.push_back(model.logits_NV(batch));
    STRATA_CHECK(logits.back().isfinite().all().item<bool>(), folder.weights.shown(),
                 ": gives logits that are not finite");
  }
  return logits;
}

}  // namespace

LogitDifference compare_logits(const ModelFolder& one, const ModelFolder& other, const data::TokenRows& rows,
                               const kernels::Gemm& gemm) {
  const auto first = logits_of(one, rows, gemm);
  const auto second = logits_of(other, rows, gemm);
  LogitDifference difference;
  double sum = 0.0;
  for (size_t row = 0; row < rows.size(); ++row) {
    const at::Tensor distance = (first[row] - second[row]).abs();
    difference.largest = std::max(difference.largest, distance.max().item().toDouble());
    difference.largest_logit = std::max(difference.largest_logit, first[row].abs().max().item().toDouble());
    sum += distance.sum(at::kDouble).item().toDouble() / static_cast<double>(first[row].size(1));
    difference.tokens += first[row].size(0);
  }
  difference.mean = sum / static_cast<double>(difference.tokens);
  return difference;
}

data::TokenRows rows_of_text(const data::Tokenizer& tokenizer, const std::string& file, int64_t longest_row) {
  data::TokenRows rows;
  int64_t left = kMostTokens;
  const auto add = [&](std::string_view text) {
    const std::vector<int32_t> ids = tokenizer.encode(text);
    const int64_t length = std::min({std::ssize(ids), left, kLongestRow, longest_row});
    if (length > 0) rows.emplace_back(ids.begin(), ids.begin() + length);
    left -= length;
  };
  if (file.empty()) {
    add(kParagraph);
    return rows;
  }
  std::string text;
  for (data::Source& source : data::find_sources({file}, "--text")) {
    data::DocumentReader reader(std::move(source), {});
    while (left > 0 && reader.next(text)) add(text);
  }
  STRATA_CHECK(!rows.empty(), file, ": has no text");
  return rows;
}

data::TokenRows random_rows(int64_t vocab, int64_t longest_row) {
  std::mt19937_64 random(1);
  data::TokenRows rows(4);
  for (auto& row : rows) {
    for (int64_t t = 0; t < std::min<int64_t>(64, longest_row); ++t) {
      row.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(vocab)));
    }
  }
  return rows;
}

}  // namespace strata::hub
