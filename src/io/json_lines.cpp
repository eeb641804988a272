#include "strata/io/json_lines.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::io {
namespace {

std::string lines_up_to(const std::filesystem::path& path, const std::string& key, int64_t last) {
  std::string kept;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line) && !file.eof();) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains(key) || object[key] > last) break;
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

JsonLines::JsonLines(std::filesystem::path path, const std::string& key, int64_t last) : path_(std::move(path)) {
  if (std::filesystem::exists(path_)) write_atomically(path_, lines_up_to(path_, key, last));
  file_.open(path_, std::ios::binary | std::ios::app);
  STRATA_CHECK(file_, "cannot write ", path_.string());
}

void JsonLines::append(const nlohmann::json& object) {
  file_ << object.dump() << "\n" << std::flush;
  STRATA_CHECK(file_, "cannot write ", path_.string());
}

}  // namespace strata::io
