// WinoGrande (arXiv 1907.10641), who or what is meant in a sentence. Partial scoring: each option is put into the left
// part, and what is scored is the rest of the sentence, the same for both.
#include "eval/python.h"
#include "eval/records.h"
#include "strata/base/check.h"

namespace strata::eval {
namespace {

// {"sentence": "LEFT_ RIGHT", "option1": .., "option2": .., "answer": "1"}
class WinoGrande final : public RecordTask {
 public:
  bool has_acc_norm() const override { return false; }

 protected:
  std::vector<std::string> names() const override { return {"winogrande"}; }

  Item item(const Record& record) const override {
    const std::string sentence = record.text("sentence");
    const size_t gap = sentence.find('_');
    STRATA_CHECK(gap != std::string::npos, "the field \"sentence\" has no _ where an option would stand");
    const std::string left = sentence.substr(0, gap);
    const std::string right(stripped(std::string_view(sentence).substr(gap + 1)));
    return {.contexts = {left + record.text("option1"), left + record.text("option2")},
            .choices = {right, right},
            .gold = record.number("answer") - 1};
  }
};

}  // namespace
STRATA_REGISTER_TASK("winogrande", WinoGrande)
}  // namespace strata::eval
