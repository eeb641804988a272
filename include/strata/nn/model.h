#pragma once

#include <filesystem>
#include <memory>

#include "strata/config/run_config.h"
#include "strata/data/batch_upload.h"
#include "strata/nn/decoder.h"
#include "strata/nn/head.h"

namespace strata::nn {

/// How a model is set up in memory.
struct ModelOptions {
  config::Precision precision = config::Precision::kFp32;  // not auto
  BatchLimits limits;
  int64_t loss_chunk = 256;                                // rows of logits at a time
  config::Recompute recompute = config::Recompute::kNone;  // not auto
  bool gradients = true;
};

/// What a run of this config asks for on such a device: micro-batches of rows that are all as long as they may be.
/// train.precision: auto is mixed on a device, fp32 on the CPU. train.recompute is taken as it is.
ModelOptions options_for(const config::RunConfig& config, at::DeviceType device = at::kCPU);

/// How batches of such a run are shaped: padded as train.token_multiple says (0: to whole tiles of matrix products on a
/// device, not at all on the CPU), and all alike where CUDA graphs want them so.
data::BatchShape batch_shape_for(const config::RunConfig& config, at::DeviceType device = at::kCPU);

/// Parameters, decoder and head, laid out by one allocator.
class Model {
 public:
  Model(const ModelSpec& spec, const ModelOptions& options, const kernels::Gemm& gemm, Allocator& allocator);

  const ModelSpec& spec() const { return spec_; }
  const Parameters& parameters() const { return parameters_; }
  const Decoder& decoder() const { return decoder_; }
  const Head& head() const { return head_; }
  PhaseClock& clock() { return clock_; }
  Engine engine() { return {gemm_, clock_, before_section_}; }

  /// The batch where the model computes, which is where all batches below have to be; see BatchUpload::send. On the CPU
  /// it is the same.
  data::TokenBatch upload(const data::TokenBatch& batch) { return upload_.send(batch); }

  /// From now on these are trained, and have their gradients there.
  void set_trained(ParameterLayout trained);

  /// From now on called before a forward reads a section's parameters: they may be on their way until it returns.
  void set_before_section(std::function<void(ArenaRange)> hook) { before_section_ = std::move(hook); }

  /// Forward and backward of `scale` times the sum of the losses of all targets (1 / targets in the global batch):
  /// gradients are added to, and that loss to `loss`. scale and loss: 0-dim fp64 on the model's device, which nobody
  /// waits for.
  void add_loss_and_gradients(const data::TokenBatch& batch, const at::Tensor& scale, const at::Tensor& loss,
                              const FinalGradients& when_final = {});

  /// Forward alone: the sum of the losses of all targets is added to `loss`.
  void add_loss(const data::TokenBatch& batch, const at::Tensor& loss);

  /// The same for who needs the sum of the losses (not scaled) here and now: both wait for the device.
  double loss_and_gradients(const data::TokenBatch& batch, double scale, const FinalGradients& when_final = {});
  double loss(const data::TokenBatch& batch);

  /// Forward alone: -log p(target) of every scored position, fp32 [T] in the host's memory.
  at::Tensor losses_T(const data::TokenBatch& batch);

  /// Forward alone: the logits at the last position of each row, [R, vocabulary], in new memory.
  at::Tensor last_logits_RV(const data::TokenBatch& batch);

  /// Forward alone: the logits of all positions, [N, vocabulary], in new memory.
  at::Tensor logits_NV(const data::TokenBatch& batch, const LayerObserver& observe = {});

 private:
  Engine forward(const data::TokenBatch& batch, const LayerObserver& observe = {});
  void add_gradients(const data::TokenBatch& batch, const at::Tensor& scale, const FinalGradients& when_final);
  at::Tensor number(double value) const;

  ModelSpec spec_;
  const kernels::Gemm& gemm_;
  PhaseClock clock_;
  std::function<void(ArenaRange)> before_section_;
  Parameters parameters_;
  Decoder decoder_;
  Head head_;
  data::BatchUpload upload_;
};

}  // namespace strata::nn
