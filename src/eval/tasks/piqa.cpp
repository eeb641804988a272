// PIQA (arXiv 1911.11641), which of two ways reaches a goal in the physical world.
#include "eval/records.h"

namespace strata::eval {
namespace {

// {"goal": .., "sol1": .., "sol2": .., "label": 0}
class Piqa final : public RecordTask {
 public:
  bool has_acc_norm() const override { return true; }

 protected:
  std::vector<std::string> names() const override { return {"piqa"}; }

  Item item(const Record& record) const override {
    return {.contexts = {"Question: " + record.text("goal") + "\nAnswer:"},
            .choices = {record.text("sol1"), record.text("sol2")},
            .gold = record.number("label")};
  }
};

}  // namespace
STRATA_REGISTER_TASK("piqa", Piqa)
}  // namespace strata::eval
