#include "strata/eval/generator.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "strata/base/check.h"
#include "strata/base/seed.h"

namespace strata::eval {
namespace {

// The ids that may be drawn, likeliest first, with their probabilities.
struct Candidates {
  std::vector<int64_t> ids;
  std::vector<double> probabilities;
};

Candidates candidates(const std::vector<float>& logits, const SamplingOptions& options) {
  Candidates kept;
  kept.ids.resize(logits.size());
  std::iota(kept.ids.begin(), kept.ids.end(), int64_t{0});
  std::ranges::stable_sort(kept.ids, std::greater<>{}, [&](int64_t id) { return logits[static_cast<size_t>(id)]; });
  if (options.top_k > 0 && options.top_k < static_cast<int64_t>(kept.ids.size())) {
    kept.ids.resize(static_cast<size_t>(options.top_k));
  }
  const double highest = static_cast<double>(logits[static_cast<size_t>(kept.ids.front())]);
  double total = 0.0;
  for (const int64_t id : kept.ids) {
    const double logit = static_cast<double>(logits[static_cast<size_t>(id)]);
    kept.probabilities.push_back(std::exp((logit - highest) / options.temperature));
    total += kept.probabilities.back();
  }
  double covered = 0.0;
  size_t count = 0;
  while (count == 0 || (count < kept.ids.size() && covered < options.top_p))
    covered += kept.probabilities[count++] / total;
  kept.ids.resize(count);
  kept.probabilities.resize(count);
  return kept;
}

double uniform(uint64_t seed, int64_t index) {
  return static_cast<double>(mix_bits(mix_bits(seed) ^ static_cast<uint64_t>(index)) >> 11) * 0x1p-53;
}

}  // namespace

int64_t sample(const at::Tensor& logits_V, const SamplingOptions& options, double draw) {
  const at::Tensor wide = logits_V.to(at::kFloat).contiguous();
  const auto* data = wide.const_data_ptr<float>();
  const std::vector<float> logits(data, data + wide.numel());
  if (options.temperature <= 0.0) return std::ranges::max_element(logits) - logits.begin();
  const Candidates kept = candidates(logits, options);
  double left = draw * std::accumulate(kept.probabilities.begin(), kept.probabilities.end(), 0.0);
  for (size_t i = 0; i < kept.ids.size(); ++i) {
    left -= kept.probabilities[i];
    if (left < 0.0) return kept.ids[i];
  }
  return kept.ids.back();
}

std::vector<int64_t> generate(nn::Model& model, const std::vector<int64_t>& prompt, int64_t count, int64_t end_id,
                              const SamplingOptions& options, const std::function<void(int64_t)>& emit) {
  STRATA_CHECK(!prompt.empty(), "the prompt has no tokens");
  auto cache = model.make_cache();
  std::vector<int64_t> next = prompt;
  std::vector<int64_t> answer;
  while (static_cast<int64_t>(answer.size()) < count) {
    const at::Tensor logits_V =
        model.next_logits_V(cache, data::TokenBatch::from_rows({next}, nullptr, model.spec().dims.vocab));
    const int64_t id = sample(logits_V, options, uniform(options.seed, static_cast<int64_t>(answer.size())));
    if (id == end_id) break;
    answer.push_back(id);
    if (emit) emit(id);
    next = {id};
  }
  return answer;
}

}  // namespace strata::eval
