#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// The files on Hugging Face's hub that a pattern of find_sources names, as hf:// URLs in the order of their names.
/// Asks the hub unless the pattern is the name of one data file. Throws UsageError for a pattern without a file.
std::vector<std::string> hub_files_like(const std::string& pattern);

/// Whether a path is as a pattern says, in which `*`, `?` and `[…]` stand for what they do in a shell and `**/` for any
/// folders.
bool is_like(std::string_view path, std::string_view pattern);

/// Says what of a folder is no data: a file of another kind may be meant as such.
void tell_passed_over(const std::string& folder, std::vector<std::string> files);

}  // namespace strata::data
