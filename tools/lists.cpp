// strata schemes, strata tasks: what can be named.
#include <iostream>

#include "command.h"
#include "strata/eval/task.h"
#include "strata/norm/make.h"

namespace strata::tools {

void add_lists(const Command& program) {
  program.add("schemes", "list what norm.scheme may be: equations, sources, options").run([] {
    std::cout
        << norm::scheme_table().text()
        << "\n... stands for a scheme: pre+gpas, post+gpas+prores; model.qk_norm gives any of them norms on q and k\n";
  });
  program.add("tasks", "list what eval --tasks may be, and evaluate.tasks.names").run([] {
    for (const std::string& name : eval::task_registry().names()) std::cout << name << "\n";
    std::cout << "paper7\n";
  });
}

}  // namespace strata::tools
