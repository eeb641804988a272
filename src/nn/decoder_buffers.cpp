#include "nn/decoder_buffers.h"

#include <algorithm>

#include "strata/kernels/junction.h"

namespace strata::nn {
namespace {

std::string layer_name(int64_t layer) { return "layer " + std::to_string(layer); }

bool only_rms(const norm::WiredJunction& junction) {
  return kernels::only_rms(junction.rule.branch_norm, junction.rule.out_norm, junction.rule.next_norm);
}

bool only_rms(const norm::Wiring& wiring) {
  return only_rms(wiring.entry) &&
         std::ranges::all_of(wiring.after, [](const norm::WiredJunction& junction) { return only_rms(junction); });
}

}  // namespace

JunctionHomes homes_of(const norm::WiredJunction& junction, const norm::WiredJunction* next, bool enters_layer,
                       const Recomputation& recomputation) {
  const norm::Junction& rule = junction.rule;
  const Home within_layer = recomputation.layer ? Home::kLayers : Home::kJunction;
  const bool inputs_are_kept = enters_layer && recomputation.inputs;
  const Home outputs = inputs_are_kept ? Home::kJunction : within_layer;

  const bool stream_is_sum = rule.out_norm == norm::Norm::kNone && rule.gate != Gate::kSum && outputs == within_layer;
  const bool normed_is_stream =
      rule.next_norm == norm::Norm::kNone && rule.next_scale == 1.0 && rule.gate != Gate::kNorm && !junction.custom;
  const bool next_reads_stream = next != nullptr && (next->rule.gate == Gate::kSkip || next->custom);
  const bool stream_is_read = normed_is_stream || next_reads_stream || inputs_are_kept;
  const bool branch_is_read =
      rule.branch_norm != norm::Norm::kNone || rule.gate == Gate::kBranch || junction.custom.has_value();
  return {.sum = within_layer,
          .stream = stream_is_sum    ? Home::kSum
                    : stream_is_read ? outputs
                                     : Home::kModel,
          .normed = normed_is_stream ? Home::kStream : outputs,
          .branch = branch_is_read ? within_layer : Home::kModel,
          .statistics = within_layer};
}

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
  activation_NF_ = workspace("feed-forward activation", {tokens_, padded_width(spec.dims.intermediate)}, dtype);
  if (gradients) {
    junction_scratch_ = workspace("junction gradient sums",
                                  {kernels::junction_scratch_size(tokens_, hidden, only_rms(spec.wiring))}, at::kFloat);
  }
}

at::Tensor DecoderBuffers::own(const std::string& owner, const std::string& what, at::IntArrayRef shape,
                               at::ScalarType dtype) {
  return allocator_.zeros(MemoryClass::kActivations, owner + " " + what, shape, dtype);
}

at::Tensor DecoderBuffers::of_layers(const std::string& what, at::IntArrayRef shape, at::ScalarType dtype) {
  at::Tensor& buffer = of_layers_[what];
  if (!buffer.defined()) buffer = own("recomputed", what, shape, dtype);
  return buffer;
}

AttentionActivations DecoderBuffers::attention(int64_t layer) {
  const auto made_for = [&](const std::string& owner) {
    return AttentionActivations(spec_, dtype_, tokens_, gradients_, owner, allocator_);
  };
  if (recompute_ != config::Recompute::kLayer) return made_for(layer_name(layer));
  if (attention_of_layers_.empty()) attention_of_layers_.push_back(made_for("recomputed"));
  return attention_of_layers_.front();
}

at::Tensor DecoderBuffers::gate_up_N2F(int64_t layer) {
  const int64_t shape[] = {tokens_, 2 * padded_width(spec_.dims.intermediate)};
  if (recompute_ == config::Recompute::kNone) return own(layer_name(layer), "gate and up", shape, dtype_);
  return of_layers("gate and up", shape, dtype_);
}

JunctionHomes DecoderBuffers::homes(size_t index, bool enters_layer, bool recomputed) const {
  const auto& after = spec_.wiring.after;
  const bool by_layer = recompute_ == config::Recompute::kLayer;
  return homes_of(index == 0 ? spec_.wiring.entry : after[index - 1], index < after.size() ? &after[index] : nullptr,
                  enters_layer, {.layer = by_layer && recomputed, .inputs = by_layer && gradients_});
}

JunctionBuffers DecoderBuffers::entry() { return junction("entry", "", homes(0, true, false)); }

JunctionBuffers DecoderBuffers::after_attention(int64_t layer) {
  return junction(layer_name(layer), " after attention", homes(static_cast<size_t>(2 * layer + 1), false, true));
}

JunctionBuffers DecoderBuffers::after_feed_forward(int64_t layer) {
  return junction(layer_name(layer), " after feed-forward", homes(static_cast<size_t>(2 * layer + 2), true, true));
}

JunctionBuffers DecoderBuffers::junction(const std::string& owner, const std::string& place,
                                         const JunctionHomes& homes) {
  JunctionBuffers buffers;
  const auto lay_out = [&](Home home, const char* what, at::IntArrayRef shape, at::ScalarType dtype) {
    return home == Home::kLayers ? of_layers(what + place, shape, dtype) : own(owner, what + place, shape, dtype);
  };
  const auto wide = [&](Home home, const char* what, const at::Tensor& of_model_ND) {
    switch (home) {
      case Home::kSum:
        return buffers.sum_ND;
      case Home::kStream:
        return buffers.stream_ND;
      case Home::kModel:
        return of_model_ND;
      case Home::kJunction:
      case Home::kLayers:
        break;
    }
    return lay_out(home, what, {tokens_, spec_.dims.hidden}, dtype_);
  };
  buffers.sum_ND = wide(homes.sum, "sum", {});
  buffers.stream_ND = wide(homes.stream, "stream", stream_ND_);
  buffers.normed_ND = wide(homes.normed, "normed", {});
  buffers.normed_is_stream = homes.normed == Home::kStream;
  buffers.branch_ND = wide(homes.branch, "branch", branch_ND_);
  buffers.statistics_3N = lay_out(homes.statistics, "statistics", {3, tokens_}, at::kFloat);
  buffers.row_sums_N2 = lay_out(Home::kJunction, "row sums", {tokens_, 2}, at::kFloat);
  return buffers;
}

}  // namespace strata::nn
