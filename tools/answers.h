#pragma once

#include <optional>
#include <string>
#include <vector>

/// What the program says to command lines that need neither a model nor data, such as `strata help plan`: written into
/// a file when the program is built, and read from there by its start (main.cpp), which needs no libtorch for that.
namespace strata::tools {

struct Purpose;

/// Throws Error where the file cannot be written.
void write_answers(const std::string& file, const std::vector<Purpose>& purposes);

/// The answer to these words in the file; nothing where it has none, or cannot be read.
std::optional<std::string> find_answer(const std::string& file, const std::vector<std::string>& words);

}  // namespace strata::tools
