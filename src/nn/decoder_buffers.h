#pragma once

#include <map>

#include "nn/attention.h"
#include "nn/junction.h"
#include "strata/config/precision.h"

namespace strata::nn {

/// Which memory holds one of a junction's tensors.
enum class Home {
  kJunction,  // its own, from forward to backward
  kLayers,    // one for all layers, which are computed again one by one
  kModel,     // one for all junctions: lost when the next one is computed
  kSum,       // that of s, whose values it has
  kStream,    // that of x', whose values it has
};

struct JunctionHomes {
  Home sum, stream, normed, branch, statistics;
  bool operator==(const JunctionHomes&) const = default;
};

/// How a junction's layer is computed.
struct Recomputation {
  bool layer = false;   // nothing within a layer outlives its forward
  bool inputs = false;  // what enters a layer does: it is computed again from that
};

/// Where the tensors of a junction lie (norm/junction.h has their names), `next` being the one behind the branch that
/// it leads to; nullptr: the head.
///
/// | tensor     | values                  | read in backward by                                           |
/// |------------|-------------------------|---------------------------------------------------------------|
/// | sum        | s                       | this junction: norms and gates on it                          |
/// | stream     | x', s without out_norm  | the next junction, under a gate on its skip or as custom; and |
/// |            | and gate on the sum     | the layer that it enters, when that is computed again         |
/// | normed     | n, x' without next_norm | the branch it leads to                                        |
/// | branch     | f                       | this junction, under a branch norm or a gate on f or as custom|
/// | statistics | 1 / rms of its norms    | this junction                                                 |
///
/// What nobody reads in backward lives in kModel; equal values share memory unless one of them has to outlive the
/// other. The sums over rows of x' are always the junction's own.
JunctionHomes homes_of(const norm::WiredJunction& junction, const norm::WiredJunction* next, bool enters_layer,
                       const Recomputation& recomputation);

/// Lays out the buffers that a decoder's layers keep from forward to backward.
///
/// Where layers are recomputed, all layers share one set, and only what enters a layer is kept for each. Where there
/// are no gradients nothing is kept at all.
class DecoderBuffers {
 public:
  /// recompute: not auto.
  DecoderBuffers(const ModelSpec& spec, at::ScalarType dtype, int64_t max_tokens, config::Recompute recompute,
                 bool gradients, Allocator& allocator);

  AttentionActivations attention(int64_t layer);
  at::Tensor gate_up_N2F(int64_t layer);
  const at::Tensor& feed_forward_activation_NF() const { return activation_NF_; }
  const at::Tensor& junction_scratch() const { return junction_scratch_; }

  JunctionBuffers entry();
  JunctionBuffers after_attention(int64_t layer);
  JunctionBuffers after_feed_forward(int64_t layer);

 private:
  at::Tensor own(const std::string& owner, const std::string& what, at::IntArrayRef shape, at::ScalarType dtype);
  at::Tensor of_layers(const std::string& what, at::IntArrayRef shape, at::ScalarType dtype);
  // index: 0 is the entry, then one per branch.
  JunctionHomes homes(size_t index, bool enters_layer, bool recomputed) const;
  JunctionBuffers junction(const std::string& owner, const std::string& place, const JunctionHomes& homes);

  const ModelSpec& spec_;
  at::ScalarType dtype_;
  int64_t tokens_;
  config::Recompute recompute_;
  bool gradients_;
  Allocator& allocator_;
  std::map<std::string, at::Tensor> of_layers_;
  std::vector<AttentionActivations> attention_of_layers_;
  at::Tensor stream_ND_, branch_ND_;  // kModel
  at::Tensor activation_NF_;
  at::Tensor junction_scratch_;
};

}  // namespace strata::nn
