#include "strata/io/json_lines.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/io/file.h"

namespace strata::io {
namespace {

// Of a file that is there: how much of it stays.
struct Kept {
  std::optional<int64_t> last = {};   // number of the last line
  size_t bytes = 0;                   // up to the end of that line
  std::vector<int64_t> damaged = {};  // lines among them that are not what was written, from 1
};

// Gives `take` every line that has an end, with its number, until it wants no more.
void read_lines(const std::filesystem::path& path, const std::function<bool(const std::string& line, int64_t)>& take) {
  std::string line;
  int64_t number = 0;
  bool wants_more = true;
  read_pieces(path, [&](std::string_view piece) {
    while (wants_more && !piece.empty()) {
      const size_t end = piece.find('\n');
      line.append(piece.substr(0, end));
      if (end == std::string_view::npos) return;
      wants_more = take(line, ++number);
      line.clear();
      piece.remove_prefix(end + 1);
    }
  });
}

Kept find_kept(const std::filesystem::path& path, const std::string& key, int64_t last) {
  simdjson::dom::parser parser;
  Kept kept;
  size_t offset = 0;
  std::vector<int64_t> damaged;
  read_lines(path, [&](const std::string& line, int64_t number) {
    offset += line.size() + 1;
    int64_t value = 0;
    if (parser.parse(line).at_key(key).get(value) != simdjson::SUCCESS) {
      damaged.push_back(number);
      return true;
    }
    if (value > last) return false;
    kept.last = value;
    kept.bytes = offset;
    kept.damaged.insert(kept.damaged.end(), damaged.begin(), damaged.end());
    damaged.clear();
    return true;
  });
  return kept;
}

void rewrite_without(const std::filesystem::path& path, const Kept& kept) {
  std::string sound;
  auto damaged = kept.damaged.begin();
  size_t offset = 0;
  read_lines(path, [&](const std::string& line, int64_t number) {
    offset += line.size() + 1;
    if (damaged != kept.damaged.end() && *damaged == number) {
      ++damaged;
    } else {
      sound += line + "\n";
    }
    return offset < kept.bytes;
  });
  write_atomically(path, sound);
  log::warn(str(path.string(), ":", kept.damaged.front(), ": not a line that a run wrote; ", kept.damaged.size(),
                kept.damaged.size() == 1 ? " such line is" : " such lines are", " left out, all others are kept"));
}

// Leaves in the file what JsonLines keeps; gives the number of the last line.
std::optional<int64_t> keep_lines_up_to(const std::filesystem::path& path, const std::string& key, int64_t last) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const Kept kept = find_kept(path, key, last);
  if (!kept.damaged.empty()) {
    rewrite_without(path, kept);
  } else if (kept.bytes != std::filesystem::file_size(path)) {
    std::filesystem::resize_file(path, kept.bytes);
  }
  return kept.last;
}

}  // namespace

JsonLines::JsonLines(const std::filesystem::path& path, std::string key, int64_t last)
    : key_(std::move(key)), last_(keep_lines_up_to(path, key_, last)), file_(path) {}

void JsonLines::append(const nlohmann::json& object) {
  file_.append(object.dump() + "\n");
  last_ = object.at(key_);
  if (see_) see_(object);
}

}  // namespace strata::io
