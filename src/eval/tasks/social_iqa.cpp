// Social IQa (arXiv 1904.09728), what people in a situation do and feel; upstream's siqa.
#include "eval/records.h"

namespace strata::eval {
namespace {

// {"context": .., "question": .., "answerA": .., "answerB": .., "answerC": .., "label": "1"}, the label from 1
class SocialIqa final : public RecordTask {
 public:
  bool has_acc_norm() const override { return false; }

 protected:
  std::vector<std::string> names() const override { return {"social_iqa", "siqa"}; }

  Item item(const Record& record) const override {
    return {.contexts = {"Q: " + record.text("context") + " " + record.text("question") + "\nA:"},
            .choices = {record.text("answerA"), record.text("answerB"), record.text("answerC")},
            .gold = record.number("label") - 1};
  }
};

}  // namespace
STRATA_REGISTER_TASK("social_iqa", SocialIqa)
}  // namespace strata::eval
