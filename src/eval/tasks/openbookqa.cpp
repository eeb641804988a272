// OpenBookQA (arXiv 1809.02789), elementary science; the stem alone, which the answer goes on.
#include "eval/records.h"

namespace strata::eval {
namespace {

// {"query": "Question: STEM\nAnswer:", "choices": [four], "gold": 1}
class OpenBookQa final : public RecordTask {
 public:
  bool has_acc_norm() const override { return true; }

 protected:
  std::vector<std::string> names() const override { return {"openbookqa"}; }
  bool is_test_split() const override { return true; }

  Item item(const Record& record) const override {
    return {.contexts = {record.between("query", "Question: ", "\nAnswer:")},
            .choices = record.texts("choices"),
            .gold = record.number("gold")};
  }
};

}  // namespace
STRATA_REGISTER_TASK("openbookqa", OpenBookQa)
}  // namespace strata::eval
