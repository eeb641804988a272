#include "strata/nn/report.h"

#include <map>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::nn {
namespace {

constexpr auto kRight = Table::Align::kRight;

// In the order in which they are shown.
constexpr const char* kParts[] = {"embedding", "attention", "feed-forward", "norms", "gates", "head"};

const char* part_of(const ParamSpec& param) {
  switch (param.role) {
    case ParameterRole::kEmbedding:
      return "embedding";
    case ParameterRole::kLinear:
      return param.name.find(".self_attn.") != std::string::npos ? "attention" : "feed-forward";
    case ParameterRole::kGain:
      return "norms";
    case ParameterRole::kGate:
      return "gates";
    case ParameterRole::kHead:
      return "head";
  }
  return "";
}

std::string share(int64_t part, int64_t whole) {
  return whole == 0 ? "" : fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1) + " %";
}

std::string show_shape(const std::vector<int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(std::to_string(size));
  return "[" + join(sizes, ", ") + "]";
}

std::string show_start(const ParamSpec& param) {
  return param.start_std == 0.0 ? str(param.start_mean) : str("N(", param.start_mean, ", ", param.start_std, ")");
}

}  // namespace

std::string name_of(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "fp32";
    case at::kBFloat16:
      return "bf16";
    case at::kHalf:
      return "fp16";
    case at::kDouble:
      return "fp64";
    default:
      return c10::toString(dtype);
  }
}

Table part_table(const ModelSpec& spec) {
  struct Sum {
    int64_t tensors = 0, parameters = 0, in_a_layer = 0;
  };
  std::map<std::string, Sum> sums;
  for (const ParamSpec& param : spec.layout.params) {
    Sum& sum = sums[part_of(param)];
    ++sum.tensors;
    sum.parameters += param.count();
    if (param.role == ParameterRole::kLinear && param.layer == 0) sum.in_a_layer += param.count();
  }
  const int64_t total = spec.layout.count();
  Table table({{"part"}, {"tensors", kRight}, {"in a layer", kRight}, {"parameters", kRight}, {"share", kRight}});
  for (const char* part : kParts) {
    if (!sums.contains(part)) continue;
    const Sum& sum = sums[part];
    table.add({part, str(sum.tensors), sum.in_a_layer == 0 ? "" : with_commas(sum.in_a_layer),
               with_commas(sum.parameters), share(sum.parameters, total)});
  }
  table.add({"total", str(spec.layout.params.size()), "", with_commas(total), share(total, total)});
  return table;
}

Table parameter_table(const ParameterLayout& layout, at::ScalarType dtype) {
  Table table({{"name"}, {"shape"}, {"dtype"}, {"parameters", kRight}, {"start"}});
  for (const ParamSpec& param : layout.params) {
    table.add({param.name, show_shape(param.shape), name_of(dtype), with_commas(param.count()), show_start(param)});
  }
  return table;
}

Table buffer_table(const Allocator& plan) {
  Table table({{"class"}, {"buffer"}, {"bytes", kRight}, {"", kRight}});
  for (const Allocator::Buffer& buffer : plan.buffers()) {
    table.add({name_of(buffer.memory_class), buffer.name, with_commas(buffer.bytes), human_bytes(buffer.bytes)});
  }
  return table;
}

}  // namespace strata::nn
