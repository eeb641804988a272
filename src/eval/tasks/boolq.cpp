// BoolQ (arXiv 1905.10044), yes or no to a question about a passage; upstream's super_glue/boolq.
#include <algorithm>

#include "eval/records.h"
#include "strata/base/check.h"

namespace strata::eval {
namespace {

// {"query": "PASSAGE\nQuestion: QUESTION?\nAnswer:", "choices": ["yes", "no"], "gold": 0}: worded already, but for the
// order of the choices.
class BoolQ final : public RecordTask {
 public:
  bool has_acc_norm() const override { return false; }

 protected:
  std::vector<std::string> names() const override { return {"boolq"}; }

  Item item(const Record& record) const override {
    const std::vector<std::string> given = record.texts("choices");
    const std::vector<std::string> choices{"no", "yes"};
    STRATA_CHECK(std::ranges::is_permutation(given, choices), "the field \"choices\" does not hold \"yes\" and \"no\"");
    const int64_t gold = record.number("gold");
    STRATA_CHECK(gold == 0 || gold == 1, "the field \"gold\" is ", gold, ", must be 0 or 1");
    return {.contexts = {record.between("query", "", "?\nAnswer:") + "?\nAnswer:"},
            .choices = choices,
            .gold = given[static_cast<size_t>(gold)] == "yes" ? 1 : 0};
  }
};

}  // namespace
STRATA_REGISTER_TASK("boolq", BoolQ)
}  // namespace strata::eval
