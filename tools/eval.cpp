// strata eval: scores a model on downstream tasks.
#include "command.h"
#include "eval_setup.h"
#include "eval_tasks.h"

namespace strata::tools {
namespace {

struct EvalArguments {
  EvalModelArguments model;
  EvalTasksArguments tasks;
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
  command.add_option("--output", tasks.output, "JSON file for the results; a run that was interrupted goes on");
  command.add_option("--batch", tasks.scoring.batch, "at most so many items at a time; 0: as many as are fast")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--max-length", tasks.scoring.max_length,
                  "tokens that the model sees of a question, the last ones; default: model.max_positions")
      ->check(CLI::Range(1, 1 << 20));
  command.add_flag("--append-eos", tasks.requests.append_eos,
                   "put </s> behind every context, as recent versions of lm-evaluation-harness do with this tokenizer; "
                   "choices of one token tie then");
  command.add_option("--drop-layer", tasks.drop_layers, "also evaluate without this layer; each: without each in turn")
      ->delimiter(',');
  command.add_flag("--markdown", tasks.markdown, "print tables in Markdown");
}

}  // namespace

void add_eval(CLI::App& program) {
  const auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = program.add_subcommand(
      "eval", "score a model on multiple-choice tasks, as lm-evaluation-harness does; also under strata launch");
  add_eval_model_options(*command, arguments->model);
  add_task_options(*command, arguments->tasks);
  command->callback([arguments] { evaluate_on_tasks(arguments->model, arguments->tasks); });
}

}  // namespace strata::tools
