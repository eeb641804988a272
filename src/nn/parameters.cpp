#include "strata/nn/parameters.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <bit>
#include <span>

#include "strata/base/arena_operations.h"
#include "strata/base/check.h"
#include "strata/base/seed.h"

namespace strata::nn {
namespace {

at::Tensor whole_view_of(const at::Tensor& arena, const ParamSpec& param) {
  return arena.narrow(0, param.offset, param.arena_count()).view(param.arena_shape());
}

at::Tensor view_of(const at::Tensor& arena, const ParamSpec& param) {
  at::Tensor view = whole_view_of(arena, param);
  for (size_t dim = 0; dim < param.padded.size(); ++dim) {
    view = view.narrow(static_cast<int64_t>(dim), 0, param.shape[dim]);
  }
  return view;
}

at::Tensor stacked(const ParameterLayout& layout, const at::Tensor& arena, const std::string& first_name,
                   const std::string& last_name) {
  const ParamSpec& first = layout.find(first_name);
  const ParamSpec& last = layout.find(last_name);
  const int64_t count = place_of(last).end - first.offset;
  const int64_t columns = first.arena_shape()[1];
  STRATA_ASSERT(count % columns == 0 && last.arena_shape()[1] == columns);
  return arena.narrow(0, first.offset, count).view({count / columns, columns});
}

// Compiled and wrapped modules save their tensors behind a prefix.
std::string near_name(const std::string& name, const io::TensorFiles& weights) {
  for (const std::string& other : weights.names()) {
    if (other.ends_with("." + name))
      return str(", but one called ", other, ": take \"", other.substr(0, other.size() - name.size()),
                 "\" off all names");
  }
  return "";
}

int64_t num_gates(const ParameterLayout& layout) {
  return std::ranges::count(layout.params, ParameterRole::kGate, &ParamSpec::role);
}

// Every exponent below the one that NaN and infinity have; bits, so that it is a loop over whole vectors.
bool is_finite_everywhere(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t largest = 0;
  for (const float value : values) largest = std::max(largest, std::bit_cast<uint32_t>(value) & kExponent);
  return largest != kExponent;
}

}  // namespace

bool is_rotary_table(const std::string& name) { return name.ends_with(".rotary_emb.inv_freq"); }

Parameters::Parameters(const ModelSpec& spec, config::Precision precision, Allocator& allocator, bool with_gradients,
                       const std::optional<std::vector<ArenaRange>>& master_ranges)
    : layout_(spec.layout),
      trained_(std::make_shared<const ParameterLayout>(spec.trained)),
      master_ranges_(master_ranges.value_or(std::vector<ArenaRange>{{0, layout_.arena_size}})) {
  const bool mixed = precision == config::Precision::kMixed;
  const at::ScalarType dtype = stored_dtype(precision);
  master_ = allocator.zeros(MemoryClass::kParameters, "parameters", {total_size(master_ranges_)}, dtype);
  if (master_ranges) {
    STRATA_ASSERT(mixed);
    gates_ = allocator.zeros(MemoryClass::kComputeCopy, "gates", {num_gates(layout_)}, dtype);
  }
  values_ =
      mixed ? allocator.zeros(MemoryClass::kComputeCopy, "compute copy", {layout_.arena_size}, at::kBFloat16) : master_;
  gradients_ =
      allocator.zeros(MemoryClass::kGradients, "gradients", {with_gradients ? trained_->arena_size : 0}, dtype);
}

void Parameters::set_trained(ParameterLayout trained) {
  STRATA_ASSERT(trained.arena_size == trained_->arena_size);
  trained_ = std::make_shared<const ParameterLayout>(std::move(trained));
}

at::Tensor Parameters::value(const std::string& name) const { return view_of(values_, layout_.find(name)); }

at::Tensor Parameters::master(const std::string& name) const {
  STRATA_ASSERT(!shares_master());
  return view_of(master_, layout_.find(name));
}

at::Tensor Parameters::gate(const std::string& name) const {
  if (!shares_master()) return master(name);
  int64_t index = 0;
  for (const ParamSpec& param : layout_.params) {
    if (param.name == name) break;
    if (param.role == ParameterRole::kGate) ++index;
  }
  return gates_.select(0, index);
}

void Parameters::zero_gradients() { zero_arena(gradients_); }

at::Tensor Parameters::whole_value(const std::string& name) const { return whole_view_of(values_, layout_.find(name)); }

at::Tensor Parameters::whole_gradient(const std::string& name) const {
  const bool has_one = has_gradients() && trained_->contains(name);
  return has_one ? whole_view_of(gradients_, trained_->find(name)) : at::Tensor();
}

void Parameters::refresh_values() {
  STRATA_ASSERT(!shares_master());
  if (is_mixed()) copy_arena(values_, master_);
}

void Parameters::write_master(const ParamSpec& param, const at::Tensor& values) {
  if (!shares_master()) {
    view_of(master_, param).copy_(values);
    return;
  }
  ParamSpec alone = param;
  alone.offset = 0;
  const at::Tensor whole = at::zeros({param.arena_count()}, master_.scalar_type());
  view_of(whole, alone).copy_(values);
  each_part(master_ranges_, place_of(param), [&](const ArenaRange& part, int64_t place) {
    master_.narrow(0, place, part.size()).copy_(whole.narrow(0, part.begin - param.offset, part.size()));
  });
}

void Parameters::write_copies(const ParamSpec& param, const at::Tensor& values) {
  if (is_mixed()) view_of(values_, param).copy_(values);
  if (shares_master() && param.role == ParameterRole::kGate) gate(param.name).copy_(values);
}

void Parameters::write(const ParamSpec& param, const at::Tensor& values) {
  write_master(param, values);
  write_copies(param, values);
}

at::Tensor Parameters::gradient(const std::string& name) const {
  const bool has_one = has_gradients() && trained_->contains(name);
  return has_one ? view_of(gradients_, trained_->find(name)) : at::Tensor();
}

at::Tensor Parameters::stacked_values(const std::string& first, const std::string& last) const {
  return stacked(layout_, values_, first, last);
}

at::Tensor Parameters::stacked_gradients(const std::string& first, const std::string& last) const {
  const bool has_some = has_gradients() && trained_->contains(first);
  return has_some ? stacked(*trained_, gradients_, first, last) : at::Tensor();
}

void Parameters::initialise(uint64_t seed) {
  for (const ParamSpec& param : layout_.params) {
    const bool in_place =
        param.padded.empty() && master_.is_cpu() && master_.scalar_type() == at::kFloat && !shares_master();
    const at::Tensor values = in_place ? view_of(master_, param) : at::empty(param.shape, at::kFloat);
    if (param.start_std == 0.0) {
      values.fill_(param.start_mean);
    } else {
      values.normal_(0.0, 1.0, at::detail::createCPUGenerator(derive_seed(seed, param.name)));
      values.mul_(param.start_std).add_(param.start_mean);
    }
    if (!in_place) write_master(param, values);
    write_copies(param, values);
  }
}

io::NamedTensors named_views(const ParameterLayout& layout, const at::Tensor& arena, const std::string& prefix) {
  io::NamedTensors tensors;
  for (const ParamSpec& param : layout.params) tensors.emplace_back(prefix + param.name, view_of(arena, param));
  return tensors;
}

void save_parameters(const ParameterLayout& layout, const at::Tensor& master, const std::filesystem::path& path) {
  io::write_safetensors(path, named_views(layout, master), {{"format", "pt"}});
}

void check_loadable(const ParameterLayout& layout, const io::TensorFiles& weights) {
  for (const ParamSpec& param : layout.params) {
    STRATA_CHECK(weights.contains(param.name), weights.shown(), ": has no tensor ", param.name,
                 near_name(param.name, weights));
    const io::TensorInfo& info = weights.info(param.name);
    const std::string where = str(weights.file_of(param.name).string(), ": ", param.name, " ");
    STRATA_CHECK(info.shape == param.shape, where, "has shape ", at::IntArrayRef(info.shape), ", the model needs ",
                 at::IntArrayRef(param.shape));
    STRATA_CHECK(at::isFloatingType(info.dtype), where, "is ", info.dtype, ", not floating-point numbers");
  }
  for (const std::string& name : weights.names()) {
    STRATA_CHECK(layout.contains(name) || is_rotary_table(name), weights.file_of(name).string(), ": tensor ", name,
                 " does not belong to this model; is its scheme another one?");
  }
}

void load_parameters(Parameters& parameters, const io::TensorFiles& weights) {
  check_loadable(parameters.layout(), weights);
  for (const ParamSpec& param : parameters.layout().params) {
    parameters.write(param, weights.tensor(param.name));
    weights.release_pages();  // two models at once may not fit
  }
  const auto name = first_not_finite(parameters.layout(), parameters.values());
  STRATA_CHECK(!name, weights.shown(), ": tensor ", *name, " holds NaN or infinity: nothing can be computed with it");
}

std::optional<std::string> first_not_finite(const ParameterLayout& layout, const at::Tensor& arena) {
  for (const ParamSpec& param : layout.params) {
    const at::Tensor values = arena.narrow(0, param.offset, param.arena_count());
    const bool is_finite =
        values.is_cpu() && values.scalar_type() == at::kFloat
            ? is_finite_everywhere({values.const_data_ptr<float>(), static_cast<size_t>(values.numel())})
            : at::isfinite(values).all().item<bool>();
    if (!is_finite) return param.name;
  }
  return std::nullopt;
}

}  // namespace strata::nn
