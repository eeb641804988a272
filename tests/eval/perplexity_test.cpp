#include "strata/eval/perplexity.h"

#include <ATen/ops/log_softmax.h>

#include <cmath>
#include <random>

#include "strata/base/threads.h"
#include "support/asked.h"
#include "support/errors.h"
#include "support/workers.h"

namespace strata::eval {
namespace {

using strata::test::scoring_model;
using strata::test::TestModel;

constexpr int64_t kVocab = 200;

// Documents of 1 to `longest` random ids.
std::vector<Document> documents(size_t count, int64_t longest, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Document> all(count);
  for (Document& document : all) {
    document.ids.resize(1 + random() % static_cast<size_t>(longest));
    for (int32_t& id : document.ids) id = static_cast<int32_t>(random() % kVocab);
    document.bytes = 3 * std::ssize(document.ids);
  }
  return all;
}

Perplexity measure(nn::Model& model, const std::vector<Document>& all, const PerplexityOptions& options,
                   workers::Communicator& workers) {
  size_t at = 0;
  const NextDocument next = [&](Document& document) {
    if (at == all.size()) return false;
    document = all[at++];
    return true;
  };
  return measure_perplexity(model, next, options, workers);
}

Perplexity measure(nn::Model& model, const std::vector<Document>& all, const PerplexityOptions& options) {
  return measure(model, all, options, *workers::alone());
}

nn::BatchLimits limits(int64_t max_tokens, int64_t longest) {
  return {.max_tokens = max_tokens, .longest_row = longest};
}

// The loop of Hugging Face's guide, its max_length one larger than ours; the softmax by ATen in fp64.
double sum_slowly(nn::Model& model, const std::vector<int32_t>& ids, int64_t max_length, int64_t stride) {
  double sum = 0.0;
  const int64_t length = std::ssize(ids);
  for (int64_t begin = 0, known = 1; known < length; begin += stride) {
    const int64_t end = std::min(begin + max_length + 1, length);
    const std::vector<int64_t> row(ids.begin() + begin, ids.begin() + end - 1);
    const at::Tensor logits = model.logits_NV(data::TokenBatch::from_rows({row}, nullptr, kVocab));
    const at::Tensor log_p = at::log_softmax(logits.to(at::kDouble), 1);
    for (; known < end; ++known) sum -= log_p[known - 1 - begin][ids[static_cast<size_t>(known)]].item<double>();
  }
  return sum;
}

TEST(PerplexityWindows, ScoreEveryTokenButTheFirstOnceWithTheContextThatWasPromised) {
  std::vector<int32_t> all(40);
  for (size_t t = 0; t < all.size(); ++t) all[t] = static_cast<int32_t>(t);
  for (int64_t length = 0; length <= std::ssize(all); ++length) {
    const std::span<const int32_t> ids(all.data(), static_cast<size_t>(length));
    for (int64_t max_length = 1; max_length <= 12; ++max_length) {
      for (int64_t stride = 1; stride <= max_length; ++stride) {
        const PerplexityOptions options{.max_length = max_length, .stride = stride};
        int32_t next = 1;  // ids are their places
        for (int64_t index = 0; const auto row = window_of(ids, index, options); ++index) {
          ASSERT_LE(std::ssize(row->ids), max_length);
          ASSERT_EQ(row->ids.front(), index * stride);
          ASSERT_EQ(row->ids.back(), row->ids.front() + std::ssize(row->ids) - 1);
          ASSERT_EQ(row->targets.back(), row->ids.back() + 1);
          ASSERT_FALSE(row->targets.empty());
          for (const int32_t target : row->targets) {
            ASSERT_EQ(target, next++);
            const int64_t context = target - row->ids.front();
            ASSERT_GE(context, std::min<int64_t>(target, max_length - stride + 1));
            ASSERT_TRUE(context == target || target > max_length);  // all there is
          }
        }
        ASSERT_EQ(next, std::max<int64_t>(length, 1));
      }
    }
  }
}

TEST(PerplexityMeasure, SumsLogProbabilitiesOverWindows) {
  TestModel made = scoring_model(limits(200, 64));
  strata::test::randomise(made.model.parameters(), 3);
  const auto all = documents(9, 90, 1);
  struct Case {
    int64_t max_length, stride;
  };
  for (const auto& [max_length, stride] : {Case{64, 32}, {20, 10}, {20, 20}, {7, 1}, {1, 1}}) {
    const PerplexityOptions options{.max_length = max_length, .stride = stride};
    const Perplexity found = measure(made.model, all, options);
    Perplexity expected;
    for (const Document& document : all) {
      ++expected.documents;
      expected.tokens += std::ssize(document.ids) - 1;
      expected.bytes += document.bytes;
      expected.sum += sum_slowly(made.model, document.ids, max_length, stride);
    }
    EXPECT_EQ(found.documents, expected.documents);
    EXPECT_EQ(found.tokens, expected.tokens);
    EXPECT_EQ(found.bytes, expected.bytes);
    EXPECT_NEAR(found.sum / expected.sum, 1.0, 1e-6) << max_length << " " << stride;
  }
}

TEST(PerplexityMeasure, IsTheLossOfTrainingWhereDocumentsFit) {
  TestModel made = scoring_model(limits(4096, 64));
  strata::test::randomise(made.model.parameters(), 3);
  const auto all = documents(20, 64, 2);
  data::TokenRows rows;
  for (const Document& document : all) rows.emplace_back(document.ids.begin(), document.ids.end());
  const auto batch = data::TokenBatch::from_rows(rows, nullptr, kVocab);
  const Perplexity found = measure(made.model, all, {.max_length = 64, .stride = 32});
  EXPECT_EQ(found.tokens, batch.num_targets());
  EXPECT_NEAR(found.sum / made.model.loss(batch), 1.0, 1e-7);
}

TEST(PerplexityMeasure, BitsDependNeitherOnBatchesNorOnThreads) {
  TestModel made = scoring_model(limits(400, 48));
  strata::test::randomise(made.model.parameters(), 3);
  const auto all = documents(30, 100, 3);
  const PerplexityOptions plain{.max_length = 48, .stride = 17};
  const Perplexity expected = measure(made.model, all, plain);
  for (const int64_t batch : {1, 2, 5, 1000}) {
    EXPECT_EQ(measure(made.model, all, {.max_length = 48, .stride = 17, .batch = batch}), expected) << batch;
  }
  TestModel large = scoring_model(limits(4000, 200));
  strata::test::randomise(large.model.parameters(), 3);
  EXPECT_EQ(measure(large.model, all, plain), expected);
  const int threads = num_threads();
  set_num_threads(1);
  EXPECT_EQ(measure(made.model, all, plain), expected);
  set_num_threads(threads);
}

TEST(PerplexityMeasure, BitsDoNotDependOnTheNumberOfWorkers) {
  const auto all = documents(17, 70, 4);
  Perplexity expected;
  for (const int world : {1, 2, 3}) {
    strata::test::as_workers(world, [&](workers::Communicator& workers) {
      TestModel made = scoring_model(limits(150, 30));
      strata::test::randomise(made.model.parameters(), 3);
      const Perplexity found = measure(made.model, all, {.max_length = 30, .stride = 15}, workers);
      if (world == 1) {
        expected = found;
      } else {
        EXPECT_EQ(found, expected);  // on every worker
      }
    });
  }
}

TEST(PerplexityMeasure, CountsDocumentsWithNothingToScore) {
  TestModel made = scoring_model(limits(100, 30));
  strata::test::randomise(made.model.parameters(), 3);
  const std::vector<Document> all{{.ids = {1}, .bytes = 0}, {.ids = {5, 6, 1}, .bytes = 4}, {.ids = {1}, .bytes = 1}};
  std::vector<int64_t> told;
  size_t at = 0;
  const NextDocument next = [&](Document& document) { return at < all.size() && (document = all[at++], true); };
  const Perplexity found = measure_perplexity(made.model, next, {.max_length = 30, .stride = 15}, *workers::alone(),
                                              [&](const Perplexity& so_far) { told.push_back(so_far.tokens); });
  EXPECT_EQ(found.documents, 3);
  EXPECT_EQ(found.tokens, 2);
  EXPECT_EQ(found.bytes, 5);
  EXPECT_EQ(told, std::vector<int64_t>{2});
  EXPECT_DOUBLE_EQ(found.loss(), found.sum / 2);
  EXPECT_DOUBLE_EQ(found.perplexity(), std::exp(found.sum / 2));
  EXPECT_DOUBLE_EQ(std::exp2(5 * found.bits_per_byte()), std::exp(found.sum));
}

TEST(PerplexityMeasure, RefusesWhatCannotBeScored) {
  TestModel made = scoring_model(limits(100, 30));
  strata::test::randomise(made.model.parameters(), 3);
  const PerplexityOptions options{.max_length = 30, .stride = 15};
  EXPECT_THAT(strata::test::error_of([&] { measure(made.model, {{.ids = {1}, .bytes = 3}}, options); }),
              testing::HasSubstr("nothing to score"));
  EXPECT_THAT(strata::test::error_of([&] {
                measure(made.model, {{.ids = {3, 200}, .bytes = 3}}, options);
              }),
              testing::HasSubstr("id 200 is outside the vocabulary of 200"));
}

}  // namespace
}  // namespace strata::eval
