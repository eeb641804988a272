#include "strata/base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "strata/base/text.h"

namespace strata {
namespace {

// Columns before the last text that stands behind two spaces or more, or else before the line's first word.
size_t last_column_of(std::string_view line) {
  const size_t first = std::min(line.find_first_not_of(' '), line.size());
  const size_t gap = line.rfind("  ");
  const size_t start = gap == std::string_view::npos || gap < first ? first : gap + 2;
  return columns_of(line.substr(0, start));
}

std::string wrapped_line(std::string_view line, size_t columns) {
  constexpr size_t kNarrowest = 24;
  const size_t indent = last_column_of(line);
  if (columns_of(line) <= columns || columns < indent + kNarrowest) return std::string(line);
  std::string text;
  size_t used = 0;                                                     // columns of the text's last line
  for (size_t begin = 0, end = 0; begin < line.size(); begin = end) {  // a word, and the spaces before it
    end = std::min(line.find(' ', line.find_first_not_of(' ', begin)), line.size());
    std::string_view word = line.substr(begin, end - begin);
    if (used > indent && used + columns_of(word) > columns) {
      text += "\n" + std::string(indent, ' ');
      used = indent;
      word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
    }
    text += word;
    used += columns_of(word);
  }
  return text;
}

}  // namespace

size_t terminal_columns() {
  constexpr size_t kUsual = 80;
  winsize size = {};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

std::string wrapped(std::string_view text, size_t columns) {
  std::string lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines += wrapped_line(text.substr(begin, end - begin), columns);
    if (end < text.size()) lines += '\n';
    begin = end + 1;
  }
  return lines;
}

std::string wrapped_for_stdout(std::string_view text, size_t columns_elsewhere) {
  return wrapped(text, isatty(STDOUT_FILENO) != 0 ? terminal_columns() : columns_elsewhere);
}

}  // namespace strata
