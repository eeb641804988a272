// strata eval: scores a model on downstream tasks, or on text.
#include "command.h"
#include "eval_perplexity.h"
#include "eval_setup.h"
#include "eval_tasks.h"
#include "strata/base/check.h"

namespace strata::tools {
namespace {

struct EvalArguments {
  EvalModelArguments model;
  EvalTasksArguments tasks;
  std::vector<std::string> text;  // files; empty: tasks
  int64_t stride = 0;
};

void add_task_options(CLI::App& command, EvalTasksArguments& tasks) {
  command.add_option("--data", tasks.folder, "folder of the tasks' files; scripts/fetch_data.sh eval fetches them")
      ->capture_default_str();
  command.add_option("--tasks", tasks.tasks, "names with commas between; paper7: the seven of the GPAS paper")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--shots", tasks.requests.shots, "examples before each question")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command.add_option("--limit", tasks.requests.limit, "only the first items of each task, of each subject of MMLU")
      ->check(CLI::PositiveNumber);
  command.add_flag("--append-eos", tasks.requests.append_eos,
                   "put </s> behind every context, as recent versions of lm-evaluation-harness do with this tokenizer; "
                   "choices of one token tie then");
  command.add_option("--drop-layer", tasks.drop_layers, "also evaluate without this layer; each: without each in turn")
      ->delimiter(',');
}

void add_text_options(CLI::App& command, EvalArguments& arguments) {
  command.add_option("--perplexity", arguments.text,
                     "instead of tasks: loss, perplexity and bits per byte of .txt, .json or .jsonl files (also .gz), "
                     "globs, folders, URLs");
  command
      .add_option("--stride", arguments.stride,
                  "with --perplexity: tokens from a window of a long document to the next; default: half of "
                  "--max-length")
      ->check(CLI::PositiveNumber);
}

// What tasks and text have in common.
void add_scoring_options(CLI::App& command, EvalTasksArguments& tasks) {
  command.add_option("--output", tasks.output, "JSON file for the results; tasks that were interrupted go on");
  command.add_option("--batch", tasks.scoring.batch, "at most so many items at a time; 0: as many as are fast")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--max-length", tasks.scoring.max_length,
                  "tokens that the model sees of a question, the last ones, and of a document, in windows; default: "
                  "model.max_positions")
      ->check(CLI::Range(1, 1 << 20));
  command.add_flag("--markdown", tasks.markdown, "print tables in Markdown");
}

// An option that would have no effect was given by mistake.
void check_options(const CLI::App& command) {
  if (command.count("--perplexity") == 0) {
    if (command.count("--stride") > 0) throw UsageError("--stride: is for --perplexity");
    return;
  }
  for (const char* option : {"--tasks", "--data", "--shots", "--limit", "--append-eos", "--drop-layer"}) {
    if (command.count(option) > 0) throw UsageError(str(option, ": is for tasks; give it or --perplexity, not both"));
  }
}

void evaluate(const EvalArguments& arguments) {
  const EvalTasksArguments& tasks = arguments.tasks;
  if (arguments.text.empty()) return evaluate_on_tasks(arguments.model, tasks);
  evaluate_perplexity(arguments.model, {.files = arguments.text,
                                        .stride = arguments.stride,
                                        .scoring = tasks.scoring,
                                        .output = tasks.output,
                                        .markdown = tasks.markdown});
}

}  // namespace

void add_eval(CLI::App& program) {
  const auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = program.add_subcommand(
      "eval",
      "score a model on multiple-choice tasks, as lm-evaluation-harness does, or on text (--perplexity); also "
      "under strata launch");
  add_eval_model_options(*command, arguments->model);
  add_task_options(*command, arguments->tasks);
  add_text_options(*command, *arguments);
  add_scoring_options(*command, arguments->tasks);
  command->callback([arguments, command] {
    check_options(*command);
    evaluate(*arguments);
  });
}

}  // namespace strata::tools
