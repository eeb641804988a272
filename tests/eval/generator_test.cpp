#include "strata/eval/generator.h"

#include <ATen/ops/tensor.h>

#include "strata/norm/make.h"
#include "support/models.h"

namespace strata::test {
namespace {

// What generation without a cache would give: the whole text again for every token.
std::vector<int64_t> generate_without_cache(nn::Model& model, std::vector<int64_t> text, int64_t count) {
  std::vector<int64_t> answer;
  for (int64_t i = 0; i < count; ++i) {
    const at::Tensor logits_NV = model.logits_NV(data::TokenBatch::from_rows({text}, nullptr, model.spec().dims.vocab));
    answer.push_back(eval::sample(logits_NV[logits_NV.size(0) - 1], {}, 0.0));
    text.push_back(answer.back());
  }
  return answer;
}

class Generation : public testing::TestWithParam<std::string> {};

TEST_P(Generation, CacheChangesNothing) {
  config::NormConfig norm;
  norm.scheme = GetParam();
  TestModel test(nn::describe(tiny_dims(), norm), tiny_options());
  randomise(test.model.parameters(), 5);
  const std::vector<int64_t> prompt{3, 14, 15, 9, 26};
  EXPECT_EQ(eval::generate(test.model, prompt, 30, -1, {}), generate_without_cache(test.model, prompt, 30));
}

INSTANTIATE_TEST_SUITE_P(Schemes, Generation, testing::Values("pre+gpas", "post", "sandwich+gpas", "mix+gpas"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '+', '_');
                           return name;
                         });

TEST(Sampling, FollowsItsOptions) {
  at::Tensor logits = at::tensor({1.0F, 4.0F, 3.0F, -2.0F});
  EXPECT_EQ(eval::sample(logits, {}, 0.99), 1);
  EXPECT_EQ(eval::sample(logits, {.temperature = 1.0, .top_k = 1}, 0.99), 1);
  EXPECT_EQ(eval::sample(logits, {.temperature = 1.0, .top_k = 2}, 0.99), 2);
  EXPECT_EQ(eval::sample(logits, {.temperature = 1.0, .top_p = 0.5}, 0.99), 1);
  EXPECT_EQ(eval::sample(logits, {.temperature = 1.0, .top_p = 0.0}, 0.99), 1);
  EXPECT_EQ(eval::sample(logits, {.temperature = 1.0}, 0.0), 1);
  EXPECT_EQ(eval::sample(logits, {.temperature = 1.0}, 0.9999), 3);
}

TEST(Sampling, StopsAtTheEndAndAtTheLongestRow) {
  config::NormConfig norm;
  TestModel test(nn::describe(tiny_dims(), norm), tiny_options());
  randomise(test.model.parameters(), 6);
  const std::vector<int64_t> prompt{3, 14};
  const auto free = eval::generate(test.model, prompt, 5, -1, {});
  EXPECT_TRUE(eval::generate(test.model, prompt, 5, free.front(), {}).empty());
  EXPECT_THROW(eval::generate(test.model, prompt, 1000, -1, {}), Error);
}

}  // namespace
}  // namespace strata::test
