#include "strata/eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "eval/row_losses.h"
#include "strata/base/check.h"

namespace strata::eval {
namespace {

using data::ScoredRow;
using Batch = std::vector<ScoredRow>;

// The windows of one document after the other, in batches.
class BatchStream {
 public:
  BatchStream(const NextDocument& next, const PerplexityOptions& options, int64_t max_tokens)
      : next_(next), options_(options), max_tokens_(max_tokens) {
    move_on();
  }

  // Empty at the end.
  Batch next() {
    Batch batch;
    int64_t tokens = 0;
    const auto has_room = [&] {
      const bool is_full = options_.batch > 0 && std::ssize(batch) >= options_.batch;
      return batch.empty() || (!is_full && tokens + std::ssize(window_->ids) <= max_tokens_);
    };
    while (window_ && has_room()) {
      tokens += std::ssize(window_->ids);
      batch.push_back(std::move(*window_));
      move_on();
    }
    return batch;
  }

  // A batch for each worker, as long as there are some.
  std::vector<Batch> next_round(int world) {
    std::vector<Batch> round;
    while (std::ssize(round) < world && window_) round.push_back(next());
    return round;
  }

  // Documents and bytes whose windows have been given, or are next.
  const Perplexity& taken() const { return taken_; }

 private:
  void move_on() {
    window_ = window_of(document_.ids, index_++, options_);
    while (!window_ && next_(document_)) {
      ++taken_.documents;
      taken_.bytes += document_.bytes;
      window_ = window_of(document_.ids, 0, options_);
      index_ = 1;
    }
  }

  const NextDocument& next_;
  const PerplexityOptions& options_;
  int64_t max_tokens_;
  Document document_;
  int64_t index_ = 0;                // of the window after `window_`
  std::optional<ScoredRow> window_;  // the next; none: there is no further document
  Perplexity taken_;
};

}  // namespace

std::optional<ScoredRow> window_of(std::span<const int32_t> ids, int64_t index, const PerplexityOptions& options) {
  const int64_t last = std::ssize(ids) - 1;
  const auto end_of = [&](int64_t window) {
    return window < 0 ? 0 : std::min(window * options.stride + options.max_length, last);
  };
  const int64_t begin = index * options.stride, end = end_of(index), known = end_of(index - 1);
  if (end <= known) return std::nullopt;
  const auto at = [&](int64_t place) { return ids.begin() + place; };
  return ScoredRow{.ids = {at(begin), at(end)}, .targets = {at(known + 1), at(end + 1)}};
}

double Perplexity::loss() const { return sum / static_cast<double>(tokens); }

double Perplexity::perplexity() const { return std::exp(loss()); }

double Perplexity::bits_per_byte() const { return sum / std::numbers::ln2 / static_cast<double>(bytes); }

Perplexity measure_perplexity(nn::Model& model, const NextDocument& next, const PerplexityOptions& options,
                              workers::Communicator& workers, const WhenMeasured& when_measured) {
  STRATA_ASSERT(1 <= options.stride && options.stride <= options.max_length);
  BatchStream batches(next, options, model.limits().max_tokens);
  const auto rank = static_cast<size_t>(workers.rank());
  Perplexity scored;
  for (auto round = batches.next_round(workers.world_size()); !round.empty();
       round = batches.next_round(workers.world_size())) {
    const size_t most = std::ranges::max(round, {}, &Batch::size).size();
    workers.get_on();
    std::vector<double> mine;
    if (rank < round.size()) mine = row_losses(model, round[rank], false);
    mine.resize(most);
    const std::vector<double> all = workers::gather_numbers(workers, mine);
    for (size_t batch = 0; batch < round.size(); ++batch) {
      for (size_t row = 0; row < round[batch].size(); ++row) {
        scored.sum += all[batch * most + row];
        scored.tokens += std::ssize(round[batch][row].targets);
      }
    }
    scored.documents = batches.taken().documents;
    scored.bytes = batches.taken().bytes;
    if (when_measured) when_measured(scored);
  }
  STRATA_CHECK(scored.tokens > 0, "nothing to score: no document has a second token");
  STRATA_CHECK(std::isfinite(scored.sum), "the sum of losses is ", scored.sum,
               ": the model does not compute with finite numbers");
  return scored;
}

}  // namespace strata::eval
