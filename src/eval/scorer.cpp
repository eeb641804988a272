#include "strata/eval/scorer.h"

#include <algorithm>
#include <numeric>

#include "eval/row_losses.h"
#include "strata/base/check.h"
#include "strata/data/prefix_tree.h"

namespace strata::eval {
namespace {

using data::ScoredRow;
using Batch = std::vector<size_t>;  // places of items

std::vector<ScoredRow> rows_of(const AskedItem& item, int64_t max_length) {
  std::vector<ScoredRow> rows;
  for (const Request& request : item.choices) rows.push_back({fed(request, max_length), request.continuation});
  return rows;
}

// Sorts items by the ids of their first requests and fills batches one after the other.
class Planner {
 public:
  Planner(std::span<const AskedItem* const> items, const ScoringOptions& options, const nn::BatchLimits& limits)
      : items_(items), options_(options), limits_(limits) {
    for (const AskedItem* item : items) begins_.push_back(fed(item->choices.front(), options.max_length));
  }

  std::vector<Batch> plan() {
    std::vector<size_t> sorted(items_.size());
    std::iota(sorted.begin(), sorted.end(), size_t{0});
    std::ranges::stable_sort(
        sorted, {}, [this](size_t item) -> const auto& { return begins_[item]; });
    for (const size_t item : sorted) add(item);
    return std::move(batches_);
  }

 private:
  void add(size_t item) {
    const ItemSize size = size_of(*items_[item], options_.max_length, limits_.trees);
    STRATA_CHECK(
        size.tokens <= limits_.max_tokens && size.targets <= limits_.max_tokens && size.longest <= limits_.longest_row,
        "an item of ", size.tokens, " tokens in requests of up to ", size.longest, " does not fit into batches of ",
        limits_.max_tokens, " tokens in rows of ", limits_.longest_row);
    const bool shares = limits_.trees && !batches_.empty();
    const int64_t known = shares ? data::common_prefix(begins_[item], begins_[batches_.back().back()]) : 0;
    const bool is_full = options_.batch > 0 && !batches_.empty() && std::ssize(batches_.back()) >= options_.batch;
    if (batches_.empty() || is_full || tokens_ + size.tokens - known > limits_.max_tokens ||
        targets_ + size.targets > limits_.max_tokens) {
      batches_.emplace_back();
      tokens_ = targets_ = 0;
    }
    tokens_ += size.tokens - (batches_.back().empty() ? 0 : known);
    targets_ += size.targets;
    batches_.back().push_back(item);
  }

  std::span<const AskedItem* const> items_;
  const ScoringOptions& options_;
  const nn::BatchLimits& limits_;
  std::vector<std::vector<int32_t>> begins_;
  std::vector<Batch> batches_;
  int64_t tokens_ = 0, targets_ = 0;  // of the last batch; more than it has where items share more than their begins
};

// The log-likelihoods of all choices of a batch's items, one behind the other.
std::vector<double> score_batch(nn::Model& model, std::span<const AskedItem* const> items, const Batch& batch,
                                int64_t max_length) {
  std::vector<ScoredRow> rows;
  for (const size_t item : batch) std::ranges::move(rows_of(*items[item], max_length), std::back_inserter(rows));
  std::vector<double> sums = row_losses(model, rows, model.limits().trees);
  for (double& sum : sums) sum = 0.0 - sum;  // a sum of nothing stays a positive zero
  return sums;
}

int64_t choices_in(std::span<const AskedItem* const> items, const Batch& batch) {
  int64_t choices = 0;
  for (const size_t item : batch) choices += std::ssize(items[item]->choices);
  return choices;
}

void tell(std::span<const AskedItem* const> items, const Batch& batch, const double* sums, const WhenScored& tell_one) {
  for (const size_t item : batch) {
    const size_t choices = items[item]->choices.size();
    tell_one(item, LogLikelihoods(sums, sums + choices));
    sums += choices;
  }
}

}  // namespace

ItemSize size_of(const AskedItem& item, int64_t max_length, bool trees) {
  std::vector<ScoredRow> rows = rows_of(item, max_length);
  if (trees) std::ranges::sort(rows, {}, &ScoredRow::ids);
  ItemSize size;
  for (size_t row = 0; row < rows.size(); ++row) {
    const int64_t length = std::ssize(rows[row].ids);
    size.tokens += length - (trees && row > 0 ? data::common_prefix(rows[row].ids, rows[row - 1].ids) : 0);
    size.targets += std::ssize(rows[row].targets);
    size.longest = std::max(size.longest, length);
  }
  return size;
}

void score(nn::Model& model, std::span<const AskedItem* const> items, const ScoringOptions& options,
           workers::Communicator& workers, const WhenScored& when_scored) {
  const std::vector<Batch> batches = Planner(items, options, model.limits()).plan();
  const auto world = static_cast<size_t>(workers.world_size());
  const auto rank = static_cast<size_t>(workers.rank());
  // A batch for each worker, as long as there are some.
  for (size_t first = 0; first < batches.size(); first += world) {
    const std::span<const Batch> round(&batches[first], std::min(world, batches.size() - first));
    int64_t most = 0;
    for (const Batch& batch : round) most = std::max(most, choices_in(items, batch));
    workers.get_on();
    std::vector<double> mine;
    if (rank < round.size()) mine = score_batch(model, items, round[rank], options.max_length);
    mine.resize(static_cast<size_t>(most));
    const std::vector<double> all = workers::gather_numbers(workers, mine);
    for (size_t batch = 0; batch < round.size(); ++batch) {
      tell(items, round[batch], &all[batch * static_cast<size_t>(most)], when_scored);
    }
  }
}

}  // namespace strata::eval
