#include "strata/data/samples/blocks.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "strata/base/check.h"

namespace strata::data {
namespace {

using config::SamplePacking;

// Room in as many bins as there may be, as a heap in which every node is the most of its two children.
class Rooms {
 public:
  Rooms(size_t bins, int64_t capacity) : leaves_(std::bit_ceil(std::max<size_t>(bins, 1))) {
    most_.assign(2 * leaves_, capacity);
  }

  /// The first bin with room for `size`, which is taken.
  size_t take(int64_t size) {
    size_t node = 1;
    while (node < leaves_) node = most_[2 * node] >= size ? 2 * node : 2 * node + 1;
    const size_t bin = node - leaves_;
    most_[node] -= size;
    for (node /= 2; node > 0; node /= 2) most_[node] = std::max(most_[2 * node], most_[2 * node + 1]);
    return bin;
  }

 private:
  size_t leaves_;
  std::vector<int64_t> most_;
};

IdRange whole(const Sample& sample) { return {0, static_cast<int32_t>(sample.ids.size())}; }

// Behind what the last row holds.
void append(const Sample& sample, const IdRange& ids, TokenRows& rows, TokenRows& labels) {
  const auto first = sample.ids.begin();
  rows.back().insert(rows.back().end(), first + ids.begin, first + ids.end);
  std::vector<int64_t>& row = labels.back();
  const size_t offset = row.size();
  row.resize(rows.back().size(), kIgnore);
  for (const IdRange& range : sample.scored) {
    for (int32_t i = std::max(range.begin, ids.begin); i < std::min(range.end, ids.end); ++i) {
      row[offset + static_cast<size_t>(i - ids.begin)] = sample.ids[static_cast<size_t>(i)];
    }
  }
}

void begin_row(TokenRows& rows, TokenRows& labels) {
  rows.emplace_back();
  labels.emplace_back();
}

}  // namespace

std::vector<int64_t> first_fit(const std::vector<int64_t>& sizes, int64_t capacity) {
  std::vector<int64_t> bins;
  bins.reserve(sizes.size());
  Rooms rooms(sizes.size(), capacity);
  for (const int64_t size : sizes) {
    STRATA_ASSERT(0 < size && size <= capacity);
    bins.push_back(static_cast<int64_t>(rooms.take(size)));
  }
  return bins;
}

SampleBlocks::SampleBlocks(const std::vector<Sample>& samples, SamplePacking packing, int64_t capacity)
    : samples_(samples), is_stream_(packing == SamplePacking::kStream) {
  if (packing == SamplePacking::kStream) cut_stream(capacity);
  if (packing == SamplePacking::kSamples) fit(capacity);
  if (packing == SamplePacking::kNone) {
    blocks_.resize(samples.size());
    for (size_t i = 0; i < samples.size(); ++i) add({i, whole(samples[i])}, blocks_[i]);
  }
  std::erase_if(blocks_, [](const Block& block) { return block.targets == 0; });
}

void SampleBlocks::fit(int64_t capacity) {
  std::vector<int64_t> sizes;
  for (const Sample& sample : samples_) sizes.push_back(std::ssize(sample.ids));
  const std::vector<int64_t> bins = first_fit(sizes, capacity);
  for (size_t i = 0; i < bins.size(); ++i) {
    const auto bin = static_cast<size_t>(bins[i]);
    if (bin == blocks_.size()) blocks_.emplace_back();  // bins are opened in order
    add({i, whole(samples_[i])}, blocks_[bin]);
  }
}

void SampleBlocks::cut_stream(int64_t capacity) {
  for (size_t i = 0; i < samples_.size(); ++i) {
    for (IdRange rest = whole(samples_[i]); rest.begin < rest.end;) {
      if (blocks_.empty() || blocks_.back().tokens == capacity) blocks_.emplace_back();
      const auto room = static_cast<int32_t>(capacity - blocks_.back().tokens);
      const int32_t end = std::min(rest.end, rest.begin + room);
      add({i, {rest.begin, end}}, blocks_.back());
      rest.begin = end;
    }
  }
}

void SampleBlocks::add(const Piece& piece, Block& block) const {
  const bool begins_row = !is_stream_ || block.pieces.empty();  // then nothing predicts its first id
  block.tokens += piece.ids.end - piece.ids.begin;
  block.targets += samples_[piece.sample].num_scored(piece.ids.begin + (begins_row ? 1 : 0), piece.ids.end);
  block.pieces.push_back(piece);
}

void SampleBlocks::read(int64_t block, TokenRows& rows, TokenRows& labels) const {
  bool begins_row = true;
  for (const Piece& piece : blocks_[static_cast<size_t>(block)].pieces) {
    if (begins_row) begin_row(rows, labels);
    append(samples_[piece.sample], piece.ids, rows, labels);
    begins_row = !is_stream_;
  }
}

void append_row(const Sample& sample, TokenRows& rows, TokenRows& labels) {
  begin_row(rows, labels);
  append(sample, whole(sample), rows, labels);
}

}  // namespace strata::data
