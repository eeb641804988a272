#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "strata/base/allocator.h"
#include "strata/config/precision.h"
#include "strata/io/tensor_files.h"
#include "strata/nn/model_spec.h"

namespace strata::nn {

/// The type that parameters are stored, updated and saved in.
constexpr at::ScalarType stored_dtype(config::Precision precision) {
  return precision == config::Precision::kBf16 ? at::kBFloat16 : at::kFloat;
}

/// Parameters and their gradients in flat arenas. Views share the arenas' memory.
///
/// fp32 and bf16: everything in that type. mixed: fp32 master values and gradients, and a bf16 copy of the values that
/// the model computes with. Workers may share the master values: then each has only what it updates, and all have the
/// copy, and the gates in fp32 beside it.
class Parameters {
 public:
  /// with_gradients false: the gradient arena has no elements (evaluation).
  /// master_ranges: what of the master values is held here, whole blocks (kArenaBlock), rising, maybe nothing; unless
  /// given all. Only of mixed some may be elsewhere.
  Parameters(const ModelSpec& spec, config::Precision precision, Allocator& allocator, bool with_gradients = true,
             const std::optional<std::vector<ArenaRange>>& master_ranges = {});

  const ParameterLayout& layout() const { return layout_; }
  /// What has gradients, and where.
  const std::shared_ptr<const ParameterLayout>& trained() const { return trained_; }
  /// From now on these have gradients. The arena keeps its size, and what is in it.
  void set_trained(ParameterLayout trained);
  /// What the model computes in.
  at::ScalarType dtype() const { return values_.scalar_type(); }
  bool is_mixed() const { return !values_.is_same(master_); }
  const at::Tensor& values() const { return values_; }        // [arena], what the model reads
  const at::Tensor& master() const { return master_; }        // what the optimizer moves, the master ranges end to end
  const at::Tensor& gradients() const { return gradients_; }  // [arena], of the master's dtype
  bool has_gradients() const { return gradients_.numel() > 0; }
  const std::vector<ArenaRange>& master_ranges() const { return master_ranges_; }
  bool shares_master() const { return gates_.defined(); }

  at::Tensor value(const std::string& name) const;
  /// Only where all master values are here.
  at::Tensor master(const std::string& name) const;
  /// In full precision: what the model computes with. [].
  at::Tensor gate(const std::string& name) const;
  /// All gates one after another, where master values are shared: who updates some tells the others.
  const at::Tensor& gates_G() const { return gates_; }
  /// Undefined where there is none: of what is frozen.
  at::Tensor gradient(const std::string& name) const;
  /// With their padding, as the model computes.
  at::Tensor whole_value(const std::string& name) const;
  at::Tensor whole_gradient(const std::string& name) const;
  /// The rows of adjacent weights with one number of columns, as one matrix: [sum of rows, columns]. With their
  /// padding.
  at::Tensor stacked_values(const std::string& first, const std::string& last) const;
  at::Tensor stacked_gradients(const std::string& first, const std::string& last) const;
  void zero_gradients();

  /// Start values: every tensor from a stream of its own, seeded by (seed, name), so that a tensor that two schemes
  /// share starts the same under both, up to its standard deviation.
  void initialise(uint64_t seed);

  /// The parameter takes these values, [its shape], of any floating-point type, from any memory.
  void write(const ParamSpec& param, const at::Tensor& values);

  /// After writing to the master values, all of which are here: brings the copy up to date.
  void refresh_values();

 private:
  void write_master(const ParamSpec& param, const at::Tensor& values);
  void write_copies(const ParamSpec& param, const at::Tensor& values);

  ParameterLayout layout_;
  std::shared_ptr<const ParameterLayout> trained_;
  std::vector<ArenaRange> master_ranges_;
  at::Tensor master_;
  at::Tensor values_;
  at::Tensor gates_;
  at::Tensor gradients_;
};

/// Views of an arena of this layout (parameters, moments) under the parameters' names, each behind `prefix`.
io::NamedTensors named_views(const ParameterLayout& layout, const at::Tensor& arena, const std::string& prefix = "");

/// The first parameter with a value that is NaN or infinite, in an arena of this layout; nothing where all are finite.
std::optional<std::string> first_not_finite(const ParameterLayout& layout, const at::Tensor& arena);

/// Writes `model.safetensors`: every parameter of the arena (master values) under its name. Atomic.
void save_parameters(const ParameterLayout& layout, const at::Tensor& master, const std::filesystem::path& path);

/// Reads what save_parameters wrote, or any files with these names, converting from any floating-point dtype. Nothing
/// changes unless all is there: throws Error naming the file and the first missing tensor, wrong shape or dtype, or
/// tensor that the model does not have (the rotary table `*.rotary_emb.inv_freq` of old checkpoints is passed over).
/// Also throws, after the change, for values that are NaN or infinite.
void load_parameters(Parameters& parameters, const io::TensorFiles& weights);

/// A buffer that old checkpoints have and no model needs.
bool is_rotary_table(const std::string& name);

/// Throws Error where load_parameters would, without reading the values.
void check_loadable(const ParameterLayout& layout, const io::TensorFiles& weights);

}  // namespace strata::nn
