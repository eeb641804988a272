// No part of the commands: it is linked into the program's start.
#include <fstream>

#include "answers.h"

namespace strata::tools {

// Each answer stands behind a line of its own: its bytes, and the words.
std::optional<std::string> find_answer(const std::string& file, const std::vector<std::string>& words) {
  std::string asked;
  for (const std::string& word : words) asked += " " + word;
  std::ifstream in(file, std::ios::binary);
  size_t bytes = 0;
  for (std::string line; in >> bytes && std::getline(in, line);) {
    if (line != asked) {
      in.seekg(static_cast<std::streamoff>(bytes), std::ios::cur);
      continue;
    }
    std::string answer(bytes, '\0');
    if (in.read(answer.data(), static_cast<std::streamsize>(bytes))) return answer;
    break;
  }
  return std::nullopt;
}

}  // namespace strata::tools
