#include "object_at.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/io/json.h"

namespace strata::study {

std::optional<nlohmann::json> object_at(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  try {
    nlohmann::json value = io::read_json(path);
    if (value.is_object()) return value;
  } catch (const Error&) {
  }
  return std::nullopt;
}

}  // namespace strata::study
