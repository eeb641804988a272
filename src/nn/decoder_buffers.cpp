#include "decoder_buffers.h"

#include "strata/kernels/junction.h"

namespace strata::nn {
namespace {

std::string layer_name(int64_t layer) { return "layer " + std::to_string(layer); }

}  // namespace

DecoderBuffers::DecoderBuffers(const ModelSpec& spec, at::ScalarType dtype, int64_t max_tokens,
                               config::Recompute recompute, bool gradients, Allocator& allocator)
    : spec_(spec),
      dtype_(dtype),
      tokens_(max_tokens),
      recompute_(gradients ? recompute : config::Recompute::kLayer),
      gradients_(gradients),
      allocator_(allocator) {
  const auto workspace = [&](const char* what, at::IntArrayRef shape, at::ScalarType type) {
    return allocator.zeros(MemoryClass::kWorkspace, what, shape, type);
  };
  const int64_t hidden = spec.dims.hidden;
  stream_ND_ = workspace("stream", {tokens_, hidden}, dtype);
  branch_ND_ = workspace("branch", {tokens_, hidden}, dtype);
  activation_NF_ = workspace("feed-forward activation", {tokens_, spec.dims.intermediate}, dtype);
  if (gradients) {
    junction_scratch_ =
        workspace("junction gradient sums", {kernels::junction_scratch_size(tokens_, hidden)}, at::kFloat);
  }
}

at::Tensor DecoderBuffers::keep(const std::string& owner, const std::string& what, at::IntArrayRef shape,
                                at::ScalarType dtype, bool shared) {
  if (!shared) return allocator_.zeros(MemoryClass::kActivations, owner + " " + what, shape, dtype);
  at::Tensor& buffer = shared_[what];
  if (!buffer.defined()) buffer = allocator_.zeros(MemoryClass::kActivations, "recomputed " + what, shape, dtype);
  return buffer;
}

AttentionActivations DecoderBuffers::attention(int64_t layer) {
  if (recompute_ != config::Recompute::kLayer) return {spec_.dims, dtype_, tokens_, layer_name(layer), allocator_};
  if (shared_attention_.empty()) shared_attention_.emplace_back(spec_.dims, dtype_, tokens_, "recomputed", allocator_);
  return shared_attention_.front();
}

at::Tensor DecoderBuffers::gate_up_N2F(int64_t layer) {
  return keep(layer_name(layer), "gate and up", {tokens_, 2 * spec_.dims.intermediate}, dtype_,
              recompute_ != config::Recompute::kNone);
}

JunctionBuffers DecoderBuffers::entry() { return junction(0, "entry", true, false); }

JunctionBuffers DecoderBuffers::after_attention(int64_t layer) {
  return junction(static_cast<size_t>(2 * layer + 1), layer_name(layer), false,
                  recompute_ == config::Recompute::kLayer);
}

JunctionBuffers DecoderBuffers::after_feed_forward(int64_t layer) {
  return junction(static_cast<size_t>(2 * layer + 2), layer_name(layer), true, recompute_ == config::Recompute::kLayer);
}

// index: 0 is the entry, then one per branch.
JunctionBuffers DecoderBuffers::junction(size_t index, const std::string& owner, bool leads_to_layer, bool recomputed) {
  const norm::WiredJunction& wired = index == 0 ? spec_.wiring.entry : spec_.wiring.after[index - 1];
  const norm::Junction& rule = wired.rule;
  const bool next_needs_stream =
      index < spec_.wiring.after.size() &&
      (spec_.wiring.after[index].rule.gate == norm::Gate::kSkip || spec_.wiring.after[index].custom);
  const bool kept_for_recompute = leads_to_layer && recompute_ == config::Recompute::kLayer && gradients_;
  const bool sum_is_stream =
      rule.out_norm == norm::Norm::kNone && rule.gate != norm::Gate::kSum && !(kept_for_recompute && recomputed);
  const bool normed_is_stream =
      rule.next_norm == norm::Norm::kNone && rule.next_scale == 1.0 && rule.gate != norm::Gate::kNorm && !wired.custom;
  const bool branch_needed = rule.branch_norm != norm::Norm::kNone || rule.gate == norm::Gate::kBranch || wired.custom;

  const std::string place = index == 0 ? "" : leads_to_layer ? " after feed-forward" : " after attention";
  const auto wide = [&](const char* what, bool shared) {
    return keep(owner, what + place, {tokens_, spec_.dims.hidden}, dtype_, shared);
  };
  JunctionBuffers buffers;
  buffers.sum_ND = wide("sum", recomputed);
  const bool share_outputs = recomputed && !kept_for_recompute;
  if (normed_is_stream) {
    buffers.normed_ND = sum_is_stream ? buffers.sum_ND : wide("stream", share_outputs);
    buffers.stream_ND = buffers.normed_ND;
  } else {
    buffers.normed_ND = wide("normed", share_outputs);
    const bool keep_stream = next_needs_stream || kept_for_recompute;
    buffers.stream_ND = sum_is_stream ? buffers.sum_ND : keep_stream ? wide("stream", share_outputs) : stream_ND_;
  }
  buffers.branch_ND = branch_needed ? wide("branch", recomputed) : branch_ND_;
  buffers.statistics_3N = keep(owner, "statistics" + place, {3, tokens_}, at::kFloat, recomputed);
  buffers.row_sums_N2 = keep(owner, "row sums" + place, {tokens_, 2}, at::kFloat, false);
  return buffers;
}

}  // namespace strata::nn
