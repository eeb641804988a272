// Tasks whose items are lines of JSON.
#pragma once

#include <simdjson.h>

#include "strata/eval/task.h"

namespace strata::eval {

/// A JSON object. What it lacks is thrown as an Error that does not know where it stands.
class Record {
 public:
  explicit Record(const simdjson::dom::object& fields) : fields_(fields) {}

  std::string text(const char* field) const;
  std::vector<std::string> texts(const char* field) const;
  /// A whole number, or a string of its digits ("2").
  int64_t number(const char* field) const;
  /// What stands in a text field between these two; an Error if it does not begin and end so.
  std::string between(const char* field, std::string_view begin, std::string_view end) const;

 private:
  simdjson::dom::element value(const char* field) const;

  simdjson::dom::object fields_;
};

/// Throws Error, without a place, for an item without two choices, with an empty one, or whose gold is no index of one.
void check_item(const Item& item);

/// Items from the first of these that is there: for each name, NAME.jsonl.gz and NAME.jsonl. Few-shot examples are
/// drawn from NAME.fewshot.jsonl.gz (or .jsonl), upstream's training split, where there is one; else they are the first
/// other items.
class RecordTask : public Task {
 public:
  std::vector<ItemSet> load(const std::filesystem::path& folder) const final;

 protected:
  /// Its name and what its file is called besides.
  virtual std::vector<std::string> names() const = 0;
  virtual Item item(const Record& record) const = 0;
  /// Whether upstream has a test split and asks that. Where it asks the validation split, it thinks that the pool may
  /// be what is asked, and draws Examples::kSampledOthers.
  virtual bool is_test_split() const { return false; }
};

}  // namespace strata::eval
