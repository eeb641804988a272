#pragma once

#include <string>
#include <string_view>
#include <vector>

// A fuzz target is a source with test_one() and seeds(); target.cpp hands both to libFuzzer. There is no disk: files
// lie in memory (files_in_memory.cpp), so that reading one byte past a file's end is seen.
namespace strata::fuzz {

/// Reads `input` and checks what the reader promises. Error says that the input is refused; any other exception, a
/// failed expect() and a sanitizer's report are findings.
void test_one(std::string_view input);

/// Inputs to start from.
std::vector<std::string> seeds();

/// Ends the process with `promise` if it was broken.
void expect(bool kept, const char* promise);

void put_file(const std::string& path, std::string bytes);
const std::string& get_file(const std::string& path);

}  // namespace strata::fuzz
