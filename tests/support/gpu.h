#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "strata/kernels/cuda.h"
#include "support/models.h"

namespace strata::test {

/// Tests of what runs on a GPU. Without one they say so and are skipped.
class OnGpu : public testing::Test {
 protected:
  void SetUp() override;

  at::Device device() const { return gpu_->device(); }
  const kernels::Cuda& gpu() const { return *gpu_; }

  /// A model on the GPU with the parameters of one on the CPU, rounded to its precision.
  std::unique_ptr<TestModel> copy_of(const TestModel& on_cpu, const nn::ModelOptions& options) const;

 private:
  std::shared_ptr<kernels::Cuda> gpu_;
};

}  // namespace strata::test
