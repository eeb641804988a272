#include "strata/base/lost_mapping.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// What a signal handler may call, and nothing else: no memory is taken, no stream is used.
namespace strata {
namespace {

constexpr std::string_view kUnknown = "a mapped file";

void tell(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

uint64_t take_hexadecimal(std::string_view& text) {
  uint64_t value = 0;
  while (!text.empty()) {
    const size_t digit = std::string_view("0123456789abcdef").find(text.front());
    if (digit == std::string_view::npos) break;
    value = 16 * value + digit;
    text.remove_prefix(1);
  }
  return value;
}

// Of a line of /proc/self/maps, "7f00-7f10 r--s 00000000 08:01 42   /a file": whether the address lies in it.
bool holds(std::string_view line, uint64_t address) {
  const uint64_t begin = take_hexadecimal(line);
  if (!line.starts_with('-')) return false;
  line.remove_prefix(1);
  return begin <= address && address < take_hexadecimal(line);
}

std::string_view path_in(std::string_view line) {
  const size_t path = line.find('/');
  return path == std::string_view::npos ? kUnknown : line.substr(path);
}

// The path of what is mapped there, in `line`, a buffer for it.
std::string_view mapped_at(uint64_t address, std::array<char, 8192>& line) {
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t size = 0;
  std::array<char, 4096> piece{};
  for (ssize_t bytes = 0; (bytes = read(maps, piece.data(), piece.size())) > 0;) {
    for (const char letter : std::string_view(piece.data(), static_cast<size_t>(bytes))) {
      if (letter != '\n') {
        if (size < line.size()) line[size++] = letter;
        continue;
      }
      if (holds({line.data(), size}, address)) return path_in({line.data(), size});
      size = 0;
    }
  }
  return kUnknown;
}

void on_bus_error(int, siginfo_t* info, void*) {
  std::array<char, 8192> line{};
  tell("\nerror: ");
  tell(mapped_at(reinterpret_cast<uint64_t>(info->si_addr), line));
  tell(": became shorter, or its storage failed or is full, while it was used\n");
  _exit(EXIT_FAILURE);
}

}  // namespace

void name_lost_mappings() {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace strata
