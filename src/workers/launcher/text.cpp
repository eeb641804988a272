#include "text.h"

#include <sched.h>

#include <charconv>
#include <limits>
#include <thread>

#include "strata/base/check.h"
#include "strata/workers/launcher_flags.h"

namespace strata::workers {
namespace {

template <class Number>
bool parse(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

[[noreturn]] void refuse(const std::string& flag, const std::string& text, const std::string& expected) {
  throw UsageError(str(flag, "=", text, ": expected ", expected, " (", flag, " or ", variable_of(flag), ")"));
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

int whole_number(const std::string& flag, const std::string& text, int least, int most) {
  int number = 0;
  if (parse(text, number) && number >= least && number <= most) return number;
  refuse(flag, text,
         most == std::numeric_limits<int>::max() ? str("a whole number from ", least)
         : least == most                         ? str(least)
                                                 : str("a whole number from ", least, " to ", most));
}

Store::Seconds positive_seconds(const std::string& flag, const std::string& text) {
  constexpr double kMost = 1e6;
  double number = 0;
  if (parse(text, number) && number > 0 && number <= kMost) return Store::Seconds(number);
  refuse(flag, text, "seconds, more than 0");
}

int available_cores() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) == 0) return CPU_COUNT(&cores);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace strata::workers
