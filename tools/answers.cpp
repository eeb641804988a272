#include "answers.h"

#include <iostream>
#include <sstream>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/file.h"

namespace strata::tools {
namespace {

using Words = std::vector<std::string>;

// What the command line prints to stdout.
std::string answer_to(const Words& words, const std::vector<Purpose>& purposes) {
  Words line{"strata"};
  line.insert(line.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : line) arguments.push_back(word.data());
  std::ostringstream answer;
  std::streambuf* const before = std::cout.rdbuf(answer.rdbuf());
  const int code = run_command_line(static_cast<int>(arguments.size()), arguments.data(), purposes);
  std::cout.rdbuf(before);
  STRATA_CHECK(code == 0, "strata ", join(words, " "), ": exit code ", code);
  return answer.str();
}

}  // namespace

void write_answers(const std::string& file, const std::vector<Purpose>& purposes) {
  std::vector<Words> asked{{"--help"},
                           {"-h"},
                           {"help"},
                           {"--version"},
                           {"-V"},
                           {"schemes"},
                           {"tasks"},
                           {"inspect", "--keys"},
                           {"inspect", "--metrics"},
                           {"completion", "bash"},
                           {"completion", "zsh"}};
  for (const std::string& name : command_names(purposes)) {
    for (const Words& words : {Words{"help", name}, Words{name, "--help"}, Words{name, "-h"}}) asked.push_back(words);
  }
  std::string answers;
  for (const Words& words : asked) {
    const std::string answer = answer_to(words, purposes);
    answers += str(answer.size(), " ", join(words, " "), "\n", answer);
  }
  io::write_atomically(file, answers);
}

}  // namespace strata::tools
