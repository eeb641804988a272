#pragma once

#include "eval/records.h"

namespace strata::eval {

/// ARC (arXiv 1803.05457), questions of science exams at school.
/// Records: {"query": "Question: QUESTION\nAnswer:", "choices": [..], "gold": 0}
class Arc : public RecordTask {
 public:
  bool has_acc_norm() const final { return true; }

 protected:
  bool is_test_split() const final { return true; }

  Item item(const Record& record) const final {
    return {.contexts = {"Question: " + record.between("query", "Question: ", "\nAnswer:") + "\nAnswer:"},
            .choices = record.texts("choices"),
            .gold = record.number("gold")};
  }
};

}  // namespace strata::eval
