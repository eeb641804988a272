// strata analyze: what a model's layers do on a text.
#include <algorithm>
#include <iostream>

#include "command.h"
#include "judged_model.h"
#include "strata/base/check.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/run/analyze.h"

namespace strata::tools {
namespace {

struct AnalyzeArguments {
  run::JudgedModel model;
  run::AnalysisOptions analysis;
};

// Of each layer: from what enters it to what leaves it.
std::vector<double> turns_of(const eval::Analysis& analysis) {
  std::vector<double> turns;
  for (size_t layer = 0; layer + 1 < analysis.angular_distance.size(); ++layer) {
    turns.push_back(analysis.angular_distance[layer][layer + 1]);
  }
  return turns;
}

std::string of_gates(const eval::Analysis& analysis, size_t layer, double eval::GateValue::*number) {
  std::vector<std::string> values;
  for (const eval::GateValue& gate : analysis.gates) {
    if (gate.layer == static_cast<int64_t>(layer)) values.push_back(fixed(gate.*number, 3));
  }
  return join(values, " ");
}

Table table_of(const eval::Analysis& analysis) {
  constexpr auto kRight = Table::Align::kRight;
  const bool has_gates = !analysis.gates.empty();
  std::vector<Table::Column> columns{
      {"layer", kRight}, {"distance", kRight}, {"variance", kRight}, {"gradient", kRight}};
  if (has_gates) columns.insert(columns.end(), {{"alpha", kRight}, {"1 - act(alpha)", kRight}});
  Table table(std::move(columns));
  const std::vector<double> turns = turns_of(analysis);
  for (size_t layer = 0; layer < turns.size(); ++layer) {
    std::vector<std::string> cells{std::to_string(layer), fixed(turns[layer], 4),
                                   significant(analysis.activation_variance[layer], 4),
                                   significant(analysis.gradient_norm[layer], 4)};
    if (has_gates) {
      cells.push_back(of_gates(analysis, layer, &eval::GateValue::alpha));
      cells.push_back(of_gates(analysis, layer, &eval::GateValue::factor));
    }
    table.add(std::move(cells));
  }
  return table;
}

std::string sentence_of(const eval::Analysis& analysis) {
  const std::vector<double> turns = turns_of(analysis);
  const auto [least, most] = std::ranges::minmax_element(turns);
  if (least == most) return str("Its one layer's angular distance is ", fixed(*least, 4), ".");
  return str("Least is layer ", least - turns.begin(), "'s angular distance, ", fixed(*least, 4), "; most is layer ",
             most - turns.begin(), "'s, ", fixed(*most, 4), ".");
}

void run(const AnalyzeArguments& arguments) {
  const run::AnalyzedFolder found = run::analyze_folder(arguments.model, arguments.analysis);
  std::cout << "\n" << table_of(found.analysis).text("  ") << "\n  " << sentence_of(found.analysis) << "\n";
  if (!found.output.empty()) std::cout << "  " << found.output << " has it, and the distance of every two layers\n";
}

}  // namespace

void add_analyze(const Command& program) {
  const auto arguments = std::make_shared<AnalyzeArguments>();
  const Command command = program.add("analyze",
                                      "show what each layer of a model does on a text; how far it turns the residual "
                                      "stream, activation variance, gradient norm, gates");
  add_model_options(command, arguments->model);
  run::AnalysisOptions& analysis = arguments->analysis;
  command.option("--text", analysis.text, "files of text of any kind that data.train takes, globs, folders, URLs")
      .required();
  command.option("--field", analysis.field, "of JSON files, where the text is; default: data.field of the folder");
  command.option("--tokens", analysis.tokens, "how much of the text, from its start")
      .range(2, 10'000'000)
      .shows_default();
  command
      .option("--max-length", analysis.max_length,
              "tokens of a row; a longer document goes on in the next. Default: as many as the model was trained on")
      .range(2, 1 << 20);
  command.option("--output", analysis.output,
                 "JSON file for what is found; default: analysis.json of the run, where the folder is one");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
