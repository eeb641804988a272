#include "strata/io/json_lines.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "strata/io/file.h"

namespace strata::io {
namespace {

// Leaves in the file what JsonLines keeps; gives the number of the last line.
std::optional<int64_t> keep_lines_up_to(const std::filesystem::path& path, const std::string& key, int64_t last) {
  std::optional<int64_t> reached;
  if (!std::filesystem::exists(path)) return reached;
  std::string kept;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line) && !file.eof();) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains(key) || !object[key].is_number_integer() || object[key] > last) break;
    reached = object[key];
    kept += line + "\n";
  }
  if (kept.size() != std::filesystem::file_size(path)) write_atomically(path, kept);
  return reached;
}

}  // namespace

JsonLines::JsonLines(const std::filesystem::path& path, std::string key, int64_t last)
    : key_(std::move(key)), last_(keep_lines_up_to(path, key_, last)), file_(path) {}

void JsonLines::append(const nlohmann::json& object) {
  file_.append(object.dump() + "\n");
  last_ = object.at(key_);
}

}  // namespace strata::io
