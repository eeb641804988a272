#pragma once

#include "strata/kernels/cuda.h"

namespace strata::test {

/// What a CUDA graph does, on the CPU: keeps the work, without running it, until it is replayed.
class RecordedWork final : public kernels::CudaGraph {
 public:
  struct Counts {
    int captured = 0, replayed = 0;
    bool is_replaying = false;
  };

  explicit RecordedWork(Counts& counts) : counts_(counts) {}

  void capture(const std::function<void()>& work) override {
    work_ = work;
    ++counts_.captured;
  }
  void replay() override {
    counts_.is_replaying = true;
    work_();
    counts_.is_replaying = false;
    ++counts_.replayed;
  }

 private:
  Counts& counts_;
  std::function<void()> work_;
};

}  // namespace strata::test
