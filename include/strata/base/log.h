#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace strata::log {

/// Messages for people, on stderr and in the log file when there is one. Results go to stdout without this.
/// Safe to call from several threads.
void info(std::string_view message);
void warn(std::string_view message);
void error(std::string_view message);

/// Also appends everything to this file from now on. Throws Error if it cannot be opened.
void also_to_file(const std::filesystem::path& path);

/// Begins every line on stderr with this (ranks other than 0).
void speak_as(const std::string& prefix);

/// Only warnings and errors from now on (ranks other than 0).
void quiet();

}  // namespace strata::log
