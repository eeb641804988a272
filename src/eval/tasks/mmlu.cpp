// MMLU (arXiv 2009.03300), 57 subjects of schools, universities and trades. The choices are letters; what they stand
// for is part of the question.
#include <algorithm>

#include "eval/python.h"
#include "eval/subject_files.h"
#include "strata/base/check.h"
#include "strata/eval/task.h"

namespace strata::eval {
namespace {

// QUESTION,A,B,C,D,LETTER
Item item_of(const std::vector<std::string>& row) {
  const std::vector<std::string> letters{"A", "B", "C", "D"};
  STRATA_CHECK(row.size() == 6, "has ", row.size(), " fields, not 6: a question, four choices, a letter");
  std::string text(stripped(row[0]));
  for (size_t i = 0; i < letters.size(); ++i) text += "\n" + letters[i] + ". " + row[i + 1];
  const auto gold = std::ranges::find(letters, row[5]);
  STRATA_CHECK(gold != letters.end(), "the right choice is \"", row[5], "\", must be A, B, C or D");
  return {.contexts = {text + "\nAnswer:"}, .choices = letters, .gold = gold - letters.begin()};
}

std::vector<Item> items_of(const Table& table) {
  std::vector<Item> items;
  for (const io::CsvRow& row : table.rows) {
    try {
      items.push_back(item_of(row.fields));
    } catch (const Error& error) {
      throw Error(str(table.source, ":", row.line, ": ", error.what()));
    }
  }
  return items;
}

class Mmlu final : public Task {
 public:
  bool has_acc_norm() const override { return false; }
  bool has_parts() const override { return true; }

  std::vector<ItemSet> load(const std::filesystem::path& folder) const override {
    std::vector<ItemSet> sets;
    for (const Subject& subject : read_subjects(folder)) {
      std::string words = subject.name;
      std::ranges::replace(words, '_', ' ');
      sets.push_back(
          {.name = "mmlu_" + subject.name,
           .description = "The following are multiple choice questions (with answers) about " + words + ".\n\n",
           .items = items_of(subject.test),
           .pool = items_of(subject.dev),
           .examples = Examples::kFirst});
    }
    return sets;
  }
};

}  // namespace
STRATA_REGISTER_TASK("mmlu", Mmlu)
}  // namespace strata::eval
