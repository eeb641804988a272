#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "strata/base/phase_clock.h"
#include "strata/config/precision.h"
#include "strata/data/token_batch.h"
#include "strata/kernels/gemm.h"
#include "strata/nn/parameters.h"

namespace strata::nn {

/// What the size of a model's buffers depends on, beside its ModelSpec.
struct BatchLimits {
  int64_t max_tokens = 0;   // of a micro-batch, and scored positions
  int64_t longest_row = 0;  // tokens
  int64_t most_rows = 0;    // of a micro-batch; 0: about as many as are as long as they may be
  bool trees = false;       // whether rows may continue others; only on the CPU
};

/// How a model is set up in memory.
struct ModelOptions {
  config::Precision precision = config::Precision::kFp32;  // not auto
  BatchLimits limits;
  int64_t loss_chunk = 256;                                // rows of logits at a time
  config::Recompute recompute = config::Recompute::kNone;  // not auto
  bool gradients = true;
  std::optional<std::vector<ArenaRange>> master_ranges = {};  // of mixed, what is held here, maybe nothing; else all
};

/// Called when a section's gradients are final: nothing of this backward pass will write to them any more.
using FinalGradients = std::function<void(ArenaRange)>;

/// Sees the residual stream [N, D] that leaves a layer; it is only valid during the call.
using LayerObserver = std::function<void(int64_t layer, const at::Tensor& stream_ND)>;

/// Keys and values of the tokens of one row that a layer has seen: [longest row, kv heads times head dimension].
struct LayerCache {
  at::Tensor keys_TK;
  at::Tensor values_TK;
  int64_t past = 0;  // tokens in it
};

/// Parameters, decoder and head, laid out by one allocator. Their parts are in src/nn/: decoder.h, attention.h,
/// feed_forward.h, junction.h, head.h.
class Model {
 public:
  /// gemm must outlive it. The allocator is only used here.
  Model(const ModelSpec& spec, const ModelOptions& options, const kernels::Gemm& gemm, Allocator& allocator);
  ~Model();

  const ModelSpec& spec() const { return spec_; }
  const BatchLimits& limits() const { return limits_; }
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  PhaseClock& clock() { return clock_; }

  /// The batch where the model computes, which is where all batches below have to be; see BatchUpload::send. On the CPU
  /// it is the same.
  data::TokenBatch upload(const data::TokenBatch& batch);

  /// From now on these are trained, and have their gradients there.
  void set_trained(ParameterLayout trained);

  /// From now on the scheme is that of this update, from 0, where it moves with them (norm::Ramp). by_way_of: memory of
  /// the host like branch_scales(), which stays as it is until the device has read it; undefined: the device is waited
  /// for.
  void set_update(int64_t update, const at::Tensor& by_way_of = {});
  /// What multiplies the branches, where the model computes; undefined: nothing does.
  const at::Tensor& branch_scales() const;

  /// From now on called before a forward reads a section's parameters: they may be on their way until it returns.
  void set_before_section(std::function<void(ArenaRange)> hook) { before_section_ = std::move(hook); }
  /// The same for all sections at once: for who has recorded a forward, which calls nobody when it is replayed.
  void await_parameters() const;

  /// Forward and backward of `scale` times the sum of the losses of all targets (1 / targets in the global batch):
  /// gradients are added to, and that loss to `loss`. loss and scale: 0-dim fp64 on the model's device, which nobody
  /// waits for.
  void add_loss_and_gradients(const at::Tensor& loss, const data::TokenBatch& batch, const at::Tensor& scale,
                              const FinalGradients& when_final = {});

  /// Forward alone: the sum of the losses of all targets is added to `loss`.
  void add_loss(const at::Tensor& loss, const data::TokenBatch& batch);

  /// The same for who needs the sum of the losses (not scaled) here and now: both wait for the device.
  double loss_and_gradients(const data::TokenBatch& batch, double scale, const FinalGradients& when_final = {});
  double loss(const data::TokenBatch& batch);

  /// Of the last forward: the sums of x and x^2 over each row of the stream that leaves a layer, fp32 [N, 2].
  at::Tensor row_sums_N2(int64_t layer, int64_t tokens) const;

  /// Forward alone: -log p(target) of every scored position, fp32 [T] in the host's memory.
  at::Tensor losses_T(const data::TokenBatch& batch);

  /// Forward alone: the logits at the last position of each row, [R, vocabulary], in new memory.
  at::Tensor last_logits_RV(const data::TokenBatch& batch);

  /// Forward alone: the logits of all positions, [N, vocabulary], in new memory.
  at::Tensor logits_NV(const data::TokenBatch& batch, const LayerObserver& observe = {});

  /// An empty cache for every layer, for a row of up to BatchLimits::longest_row tokens.
  std::vector<LayerCache> make_cache() const;

  /// Forward alone of the next tokens of one row, after those in the cache, which takes them in: the logits at the last
  /// of them, [vocabulary], in new memory.
  at::Tensor next_logits_V(std::vector<LayerCache>& cache, const data::TokenBatch& batch);

 private:
  struct Parts;

  void forward(const data::TokenBatch& batch, const LayerObserver& observe = {});
  void add_gradients(const data::TokenBatch& batch, const at::Tensor& scale, const FinalGradients& when_final);
  at::Tensor number(double value) const;

  ModelSpec spec_;
  BatchLimits limits_;
  PhaseClock clock_;
  std::function<void(ArenaRange)> before_section_;
  Parameters parameters_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::nn
