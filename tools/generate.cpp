// strata generate: continues a text.
#include <iostream>

#include "command.h"
#include "strata/base/check.h"
#include "strata/data/tokenizer.h"
#include "strata/eval/generator.h"
#include "strata/hub/model_folder.h"
#include "strata/nn/model.h"
#include "strata/run/device.h"
#include "strata/run/tokenizer.h"

namespace strata::tools {
namespace {

struct GenerateArguments {
  std::string folder, prompt, tokenizer;
  int64_t tokens = 64;
  eval::SamplingOptions sampling;
};

// A text that grows on the screen. Bytes of a character that is not whole yet are decoded as U+FFFD, and wait.
class Shown {
 public:
  void extend(const std::string& longer) {
    text_ = longer;
    size_t whole = text_.size();
    while (std::string_view(text_).substr(0, whole).ends_with(kNoCharacter)) whole -= kNoCharacter.size();
    print(whole);
  }

  void end() {
    print(text_.size());
    std::cout << "\n" << std::flush;
  }

 private:
  static constexpr std::string_view kNoCharacter = "\uFFFD";

  void print(size_t until) {
    if (until > printed_) std::cout << std::string_view(text_).substr(printed_, until - printed_) << std::flush;
    printed_ = std::max(printed_, until);
  }

  std::string text_;
  size_t printed_ = 0;
};

void run(const GenerateArguments& arguments) {
  const hub::ModelFolder folder = hub::open_model_folder(arguments.folder);
  const data::Tokenizer tokenizer = run::tokenizer_for(folder, arguments.tokenizer);
  std::vector<int32_t> ids = tokenizer.encode_marked(arguments.prompt);
  ids.insert(ids.begin(), tokenizer.start().begin(), tokenizer.start().end());
  std::vector<int64_t> prompt(ids.begin(), ids.end());
  if (prompt.empty()) throw UsageError("--prompt: has no tokens");
  const auto gemm = run::open_gemm({}, {.hidden = folder.spec.dims.hidden});
  const int64_t longest = static_cast<int64_t>(prompt.size()) + arguments.tokens;
  Allocator allocator(at::kCPU);
  nn::Model model(folder.spec,
                  {.limits = {.max_tokens = longest, .longest_row = longest}, .loss_chunk = 1, .gradients = false},
                  *gemm, allocator);
  nn::load_parameters(model.parameters(), folder.weights);

  // Pieces only become text together with what stands before them, so the whole text is decoded each time.
  std::vector<int32_t> text(ids);
  Shown shown;
  shown.extend(tokenizer.decode(text));
  eval::generate(model, prompt, arguments.tokens, tokenizer.eos().value_or(-1), arguments.sampling, [&](int64_t id) {
    text.push_back(static_cast<int32_t>(id));
    shown.extend(tokenizer.decode(text));
  });
  shown.end();
}

}  // namespace

void add_generate(const Command& program) {
  const auto arguments = std::make_shared<GenerateArguments>();
  const Command command = program.add("generate", "continue a text with a trained model");
  command.option("folder", arguments->folder, "model folder or checkpoint").required();
  command.option("--prompt", arguments->prompt, "the text to continue").required();
  command.option("--tokens", arguments->tokens, "at most so many more").range(1, 1 << 16).shows_default();
  command.option("--temperature", arguments->sampling.temperature, "0: always the likeliest token")
      .not_negative()
      .shows_default();
  command.option("--top-k", arguments->sampling.top_k, "draw among the k likeliest; 0: all")
      .not_negative()
      .shows_default();
  command.option("--top-p", arguments->sampling.top_p, "draw among the likeliest with this share together")
      .between(0.0, 1.0)
      .shows_default();
  command.option("--seed", arguments->sampling.seed).shows_default();
  command.option("--tokenizer", arguments->tokenizer,
                 "sentencepiece model or tokenizer.json, a file or URL; default: data.tokenizer of the folder");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
