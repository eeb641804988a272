// COPA (SuperGLUE, arXiv 1905.00537), which of two sentences is the cause or the effect of a third.
#include <cctype>

#include "eval/records.h"
#include "strata/base/check.h"

namespace strata::eval {
namespace {

std::string in_the_sentence(std::string choice) {
  if (!choice.empty()) choice[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(choice[0])));
  return choice;
}

// {"premise": "P.", "question": "cause" or "effect", "choice1": .., "choice2": .., "label": 0}
class Copa final : public RecordTask {
 public:
  bool has_acc_norm() const override { return false; }

 protected:
  std::vector<std::string> names() const override { return {"copa"}; }

  Item item(const Record& record) const override {
    const std::string question = record.text("question");
    STRATA_CHECK(question == "cause" || question == "effect", "the field \"question\" is \"", question,
                 "\", must be \"cause\" or \"effect\"");
    const std::string joint = question == "cause" ? " because" : " therefore";
    return {.contexts = {record.between("premise", "", ".") + joint},
            .choices = {in_the_sentence(record.text("choice1")), in_the_sentence(record.text("choice2"))},
            .gold = record.number("label")};
  }
};

}  // namespace
STRATA_REGISTER_TASK("copa", Copa)
}  // namespace strata::eval
