#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace strata::train {

/// A field of a file that a run writes. Texts are Markdown.
struct WrittenField {
  std::string name;  // "cursor.row": row in cursor, or in the elements of a list. A part in capitals stands for any
                     // name: "TASK.acc"
  std::string meaning;
  std::string unit = "";
  bool is_drawn = false;     // in TensorBoard too; of an array each element
  bool is_of_gates = false;  // and there only where gates train
};

/// What a run writes to a file, for people (strata inspect --metrics, docs/metrics.md) and for TensorBoard.
struct WrittenFile {
  std::string name;
  std::string when;  // it is written, and by which source
  std::vector<WrittenField> fields;
  std::string tag = "";  // TensorBoard's tags are <tag>/<field>
};

/// metrics.jsonl, layers.jsonl, eval.jsonl, tasks.jsonl: those of RunLogs.
const WrittenFile& metrics_fields();
const WrittenFile& layers_fields();
const WrittenFile& evaluations_fields();
const WrittenFile& tasks_fields();

/// state.json and manifest.json of a checkpoint.
const WrittenFile& state_fields();
const WrittenFile& manifest_fields();

/// Calls `visit` for every value in an object of this file that holds no objects itself, with the names that lead to it
/// and its field; nullptr: the table has none.
using VisitValue =
    std::function<void(const std::vector<std::string>& path, const WrittenField*, const nlohmann::json& value)>;
void for_each_value(const WrittenFile& file, const nlohmann::json& object, const VisitValue& visit);

}  // namespace strata::train
