// strata completion: a script for a shell, which then completes commands, options and config keys.
#include <iostream>

#include "command.h"
#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/config/run_config.h"

namespace strata::tools {
namespace {

std::string keys() {
  std::vector<std::string> keys;
  for (const auto& [key, value] : config::flatten(config::RunConfig{})) keys.push_back(key + "=");
  return join(keys, " ");
}

// zsh reads it by its emulation of bash.
std::string script_for(const std::string& shell, const Command& program) {
  std::string script = shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  script += "_strata() {\n  local word=${COMP_WORDS[COMP_CWORD]} words\n";
  script += "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    words=\"" + join(program.subcommands(), " ") + "\"\n  else\n";
  script += "    case ${COMP_WORDS[1]} in\n";
  for (const std::string& name : program.subcommands()) {
    const bool takes_keys =
        name == "pretrain" || name == "sft" || name == "inspect" || name == "plan" || name == "compare";
    script += "      " + name + ") words=\"" + join(program.options_of(name), " ") +
              (takes_keys ? " $(_strata_keys)" : "") + "\" ;;\n";
  }
  script += "    esac\n  fi\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n";
  script += "  case ${COMPREPLY[0]} in *=) compopt -o nospace 2> /dev/null ;; esac\n}\n";
  script += "_strata_keys() {\n  echo \"" + keys() + "\"\n}\n";
  return script + "complete -o default -F _strata strata\n";
}

}  // namespace

void add_completion(const Command& program) {
  const auto shell = std::make_shared<std::string>();
  const Command command = program.add("completion", "print what completes command lines in bash or zsh");
  command.option("shell", *shell, "eval \"$(strata completion bash)\" in ~/.bashrc, or zsh in ~/.zshrc")
      .required()
      .one_of({"bash", "zsh"});
  command.run([program, shell] { std::cout << script_for(*shell, program); });
}

}  // namespace strata::tools
