#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strata/workers/store.h"

// What the launcher reads from flags and from the machine.
namespace strata::workers {

inline constexpr int kMostWorkers = 1'000'000;
inline constexpr int kLastPort = 65535;

/// At least one part.
std::vector<std::string> split(std::string_view text, char separator);

/// Throws UsageError, naming flag and value, outside these bounds.
int whole_number(const std::string& flag, const std::string& text, int least, int most);
Store::Seconds positive_seconds(const std::string& flag, const std::string& text);

/// Cores that this process may run on.
int available_cores();

}  // namespace strata::workers
