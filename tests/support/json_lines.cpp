#include "support/json_lines.h"

#include <sstream>

#include "support/temp_folder.h"

namespace strata::test {

std::vector<nlohmann::json> lines_without_times(const std::filesystem::path& file) {
  std::vector<nlohmann::json> found;
  std::istringstream text(read_file(file));
  for (std::string line; std::getline(text, line);) {
    found.push_back(nlohmann::json::parse(line));
    for (const char* time : {"seconds", "communication_seconds", "exposed_seconds", "tokens_per_second"}) {
      found.back().erase(time);
    }
  }
  return found;
}

}  // namespace strata::test
