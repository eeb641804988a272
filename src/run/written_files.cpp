#include "strata/run/written_files.h"

#include <algorithm>
#include <sstream>

#include "analysis_fields.h"
#include "record_fields.h"
#include "strata/base/table.h"
#include "strata/base/text.h"

namespace strata::run {
namespace {

using train::WrittenField;
using train::WrittenFile;

constexpr size_t kTerminalColumns = 80;
constexpr size_t kDocumentColumns = 120;

// In lines of at most so many columns, each behind `indent`; a longer word has a line of its own.
std::string wrapped(const std::string& text, size_t columns, const std::string& indent = "") {
  std::string lines, line = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool is_first = line.size() == indent.size();
    if (!is_first && columns_of(line) + 1 + columns_of(word) > columns) {
      lines += line + "\n";
      line = indent + word;
    } else {
      line += (is_first ? "" : " ") + word;
    }
  }
  return lines + line + "\n";
}

std::string without_backticks(std::string text) {
  std::erase(text, '`');
  return text;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

// TensorBoard's name of the field: "tasks/TASK/acc".
std::string tag_of(const WrittenFile& file, const WrittenField& field) {
  std::string path = field.name;
  std::ranges::replace(path, '.', '/');
  return file.tag + "/" + path;
}

std::string text_of(const WrittenFile& file, const WrittenField& field) {
  std::vector<std::string> remarks;
  if (!field.unit.empty()) remarks.push_back(field.unit);
  if (field.is_drawn) remarks.push_back("TensorBoard: " + tag_of(file, field));
  const std::string title = field.name + (remarks.empty() ? "" : "   (" + join(remarks, "; ") + ")");
  return "  " + title + "\n" + wrapped(without_backticks(field.meaning), kTerminalColumns, "      ");
}

std::string text_of(const WrittenFile& file) {
  std::string text = file.name + "\n" + wrapped(without_backticks(file.when), kTerminalColumns, "  ") + "\n";
  for (const WrittenField& field : file.fields) text += text_of(file, field);
  return text;
}

std::string chapter_of(const WrittenFile& file) {
  const bool has_units = std::ranges::any_of(file.fields, [](const auto& field) { return !field.unit.empty(); });
  std::vector<Table::Column> columns{{"field"}, {"meaning"}};
  if (has_units) columns.push_back({"unit"});
  if (!file.tag.empty()) columns.push_back({"TensorBoard"});
  Table table(columns);
  for (const WrittenField& field : file.fields) {
    std::vector<std::string> cells{code(field.name), field.meaning};
    if (has_units) cells.push_back(field.unit);
    if (!file.tag.empty()) cells.push_back(field.is_drawn ? code(tag_of(file, field)) : "");
    table.add(cells);
  }
  return "## " + file.name + "\n\n" + wrapped(file.when, kDocumentColumns) + "\n" + table.markdown();
}

}  // namespace

std::vector<WrittenFile> written_files() {
  return {train::metrics_fields(), train::layers_fields(), train::evaluations_fields(), train::tasks_fields(),
          record_fields(),         analysis_fields(),      train::state_fields(),       train::manifest_fields()};
}

std::string help_of_files() {
  std::vector<std::string> texts;
  for (const WrittenFile& file : written_files()) texts.push_back(text_of(file));
  return join(texts, "\n");
}

std::string reference_of_files() {
  std::vector<std::string> chapters;
  for (const WrittenFile& file : written_files()) chapters.push_back(chapter_of(file));
  return join(chapters, "\n");
}

}  // namespace strata::run
