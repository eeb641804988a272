#pragma once

#include <exception>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace strata::io {

/// Strict JSON: one value, UTF-8, no key twice in an object, at most 100 levels deep. Throws Error "<source>:<line>:
/// <reason>".
nlohmann::json parse_json(std::string_view text, std::string_view source);

/// What an exception of nlohmann::json says, without its numbers; of any other, what that says.
std::string reason_of(const std::exception& failure);

/// The JSON file at `path`; its path is the source that errors name.
nlohmann::json read_json(const std::filesystem::path& path);

/// Writes atomically, indented by 2, with a newline at the end.
/// Throws Error with the path if a string is not UTF-8 or the file cannot be written.
void write_json(const std::filesystem::path& path, const nlohmann::json& value);

}  // namespace strata::io
