#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "strata/io/safetensors.h"

namespace strata::test {

/// A stock checkpoint of tests/golden/model/hf ("gqa", "mha") that a test may change before it writes it.
struct HfModel {
  explicit HfModel(const std::string& variant, const std::string& config_file = "config.json");
  HfModel(const HfModel&) = delete;
  HfModel& operator=(const HfModel&) = delete;
  ~HfModel();

  at::Tensor& weight(const std::string& name);
  void cast(at::ScalarType dtype);  // every weight
  void remove(const std::string& name);

  void write(const std::filesystem::path& folder) const;
  /// In so many files with an index.
  void write_sharded(const std::filesystem::path& folder, size_t files) const;

  std::unique_ptr<nlohmann::json> config;
  io::NamedTensors weights;
  at::Tensor input_ids;  // [rows, T]
  at::Tensor logits;     // [rows, T, V], transformers' own
};

/// The logits of a model folder, [rows, T, V]; fp32.
at::Tensor logits_of(const std::filesystem::path& folder, const at::Tensor& ids_RT);

double largest_difference(const at::Tensor& a, const at::Tensor& b);

}  // namespace strata::test
