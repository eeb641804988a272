// HellaSwag (arXiv 1905.07830), how a description goes on.
#include "eval/records.h"

namespace strata::eval {
namespace {

// {"query": "ACTIVITY: CONTEXT", "choices": [four endings], "gold": 3}: as upstream's process_docs leaves it, without
// what stood in brackets. Spaces that the brackets left at the ends of an ending are part of it.
class HellaSwag final : public RecordTask {
 public:
  bool has_acc_norm() const override { return true; }

 protected:
  std::vector<std::string> names() const override { return {"hellaswag", "hellaswag_1000"}; }

  Item item(const Record& record) const override {
    return {.contexts = {record.text("query")}, .choices = record.texts("choices"), .gold = record.number("gold")};
  }
};

}  // namespace
STRATA_REGISTER_TASK("hellaswag", HellaSwag)
}  // namespace strata::eval
