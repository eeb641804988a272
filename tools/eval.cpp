// strata eval: scores a model on downstream tasks, or on text.
#include <iostream>

#include "command.h"
#include "judged_model.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/run/evaluate.h"

namespace strata::tools {
namespace {

struct EvalArguments {
  run::JudgedModel model;
  run::TasksOptions tasks;        // also what text has in common with them
  std::vector<std::string> text;  // files; empty: tasks
  std::string field;
  int64_t stride = 0;
  bool markdown = false;
};

void add_task_options(const Command& command, run::TasksOptions& tasks) {
  command.option("--data", tasks.folder, "folder of the tasks' files; scripts/fetch_data.sh eval fetches them")
      .shows_default();
  command.option("--tasks", tasks.tasks, "names with commas between; paper7: the seven of the GPAS paper")
      .separated_by(',')
      .shows_default();
  command.option("--shots", tasks.requests.shots, "examples before each question").range(0, 100).shows_default();
  command.option("--limit", tasks.requests.limit, "only the first items of each task, of each subject of MMLU")
      .positive();
  command.flag(
      "--append-eos", tasks.requests.append_eos,
      "put the tokenizer's end token behind every context, as recent versions of lm-evaluation-harness do with T5's; "
      "choices of one token tie then");
  command.option("--drop-layer", tasks.drop_layers, "also evaluate without this layer; each: without each in turn")
      .separated_by(',');
}

void add_text_options(const Command& command, EvalArguments& arguments) {
  command.option(
      "--perplexity", arguments.text,
      "instead of tasks: loss, perplexity and bits per byte of files of text of any kind that data.train takes, "
      "globs, folders, URLs");
  command.option("--field", arguments.field,
                 "with --perplexity: field or column where the text is; default: data.field of the folder");
  command
      .option("--stride", arguments.stride,
              "with --perplexity: tokens from a window of a long document to the next; default: half of "
              "--max-length")
      .positive();
}

// What tasks and text have in common.
void add_scoring_options(const Command& command, EvalArguments& arguments) {
  run::TasksOptions& tasks = arguments.tasks;
  command.option("--output", tasks.output, "JSON file for the results; tasks that were interrupted go on");
  command.option("--batch", tasks.scoring.batch, "at most so many items at a time; 0: as many as are fast")
      .not_negative()
      .shows_default();
  command
      .option(
          "--max-length", tasks.scoring.max_length,
          "tokens that the model sees of a question, the last ones, and of a document, in windows; default: as many "
          "as it was trained on")
      .range(1, 1 << 20);
  command.flag("--markdown", arguments.markdown, "print tables in Markdown");
}

// An option that would have no effect was given by mistake.
void check_options(const Command& command) {
  if (!command.given("--perplexity")) {
    for (const char* option : {"--stride", "--field"}) {
      if (command.given(option)) throw UsageError(str(option, ": is for --perplexity"));
    }
    return;
  }
  for (const char* option : {"--tasks", "--data", "--shots", "--limit", "--append-eos", "--drop-layer"}) {
    if (command.given(option)) throw UsageError(str(option, ": is for tasks; give it or --perplexity, not both"));
  }
}

// Results, behind an empty line.
void print_table(const Table& table, bool markdown) {
  std::cout << "\n" << (markdown ? table.markdown() : table.text("  ")) << std::flush;
}

Table table_of(const eval::Perplexity& result) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"documents", kRight},
               {"tokens", kRight},
               {"bytes", kRight},
               {"loss", kRight},
               {"perplexity", kRight},
               {"bits per byte", kRight}});
  table.add({with_commas(result.documents), with_commas(result.tokens), with_commas(result.bytes),
             fixed(result.loss(), 4), fixed(result.perplexity(), 2), fixed(result.bits_per_byte(), 4)});
  return table;
}

void evaluate_on_tasks(const EvalArguments& arguments) {
  const auto scores = run::evaluate_on_tasks(arguments.model, arguments.tasks);
  if (!scores) return;
  print_table(eval::table_of(scores->whole), arguments.markdown);
  if (scores->dropped.empty()) return;
  print_table(eval::table_of_drops(scores->whole, scores->dropped), arguments.markdown);
}

void evaluate_on_text(const EvalArguments& arguments) {
  const auto result = run::evaluate_on_text(arguments.model, {.files = arguments.text,
                                                              .field = arguments.field,
                                                              .stride = arguments.stride,
                                                              .scoring = arguments.tasks.scoring,
                                                              .output = arguments.tasks.output});
  if (result) print_table(table_of(*result), arguments.markdown);
}

}  // namespace

void add_eval(const Command& program) {
  const auto arguments = std::make_shared<EvalArguments>();
  const Command command = program.add(
      "eval",
      "score a model on tasks or on text; multiple-choice tasks as lm-evaluation-harness does, text by --perplexity, "
      "each also under strata launch");
  add_model_options(command, arguments->model);
  add_task_options(command, arguments->tasks);
  add_text_options(command, *arguments);
  add_scoring_options(command, *arguments);
  command.run([arguments, command] {
    check_options(command);
    arguments->text.empty() ? evaluate_on_tasks(*arguments) : evaluate_on_text(*arguments);
  });
}

}  // namespace strata::tools
