#pragma once

#include <memory>

#include "strata/nn/model.h"
#include "support/reference.h"

namespace strata::test {

/// A model with its memory and its GEMM, for rows of any length up to the limits.
struct TestModel {
  TestModel(const nn::ModelSpec& spec, nn::ModelOptions options, const std::string& gemm_name = "aten");
  TestModel(const nn::ModelSpec& spec, nn::ModelOptions options, std::unique_ptr<kernels::Gemm> gemm,
            at::Device device);
  std::unique_ptr<kernels::Gemm> gemm;
  Allocator allocator;
  nn::Model model;

  TensorMap parameters() const;
  TensorMap gradients() const;
};

/// Four layers, grouped-query heads, odd sizes: the feed-forward and the vocabulary have padding.
config::ModelConfig tiny_dims();
nn::ModelOptions tiny_options();

/// As configs/model/9m.yaml has it.
config::ModelConfig nine_million_dims();

/// Rows of different lengths, one of a single token, with some labels ignored.
data::TokenBatch tiny_batch(int64_t vocab, uint64_t seed = 1);

/// Initialises and then moves gates and gains away from their start values, so that every term matters.
void randomise(nn::Parameters& parameters, uint64_t seed);

}  // namespace strata::test
