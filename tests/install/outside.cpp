// A program of somebody else's: trains a model under a scheme of its own, watched by a hook of its own.
// Usage: outside FOLDER (for the text, the tokenizer and the run)
#include <strata/norm/scheme.h>
#include <strata/run/run.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace strata::norm {

// Norms on both sides of the branch and on the sum; no scheme of Strata's does that.
class Everywhere final : public Scheme {
 public:
  Sublayer sublayer(const Site&) const override {
    return {.input_norm = Norm::kRms, .branch_norm = Norm::kRms, .out_norm = Norm::kRms};
  }
};
STRATA_REGISTER_SCHEME("everywhere", Everywhere)

}  // namespace strata::norm

// The lowest loss of a run.
class Lowest final : public strata::train::Hook {
 public:
  explicit Lowest(double& loss) : loss_(loss) {}
  void after_step(const strata::train::StepReport& report, const strata::train::Progress&) override {
    loss_ = std::min(loss_, report.loss);
  }

 private:
  double& loss_;
};

int main(int, char** arguments) {
  const std::string folder = arguments[1];
  const std::string words[] = {"apple", "bread", "cherry", "dough", "eggs", "flour", "grape", "honey"};
  std::vector<std::string> texts;
  std::ofstream lines(folder + "/text.jsonl");
  for (size_t number = 0; number < 400; ++number) {
    std::string text;
    for (size_t word = 0; word < 8 + number % 9; ++word)
      text += words[(number * number + word * (1 + number % 3)) % 8] + " ";
    texts.push_back(text);
    lines << R"({"text": ")" << text << "\"}\n";
  }
  lines.close();
  size_t next = 0;
  strata::data::train_tokenizer([&](std::string& text) { return next < 400 && (text = texts[next++], true); }, 32,
                                folder + "/spiece.model");

  strata::config::RunConfig config;
  config.run.dir = folder + "/run";
  config.model = {.vocab = 64, .hidden = 64, .intermediate = 96, .layers = 2, .heads = 2};
  config.norm.scheme = "everywhere+gpas";
  config.data.tokenizer = folder + "/spiece.model";
  config.data.train = {folder + "/text.jsonl"};
  config.data.cache = folder + "/cache";
  config.data.sequence_length = 32;
  config.train.steps = 20;
  config.train.global_batch = 16;
  config.train.micro_batch = 8;
  config.optimizer.lr = 1e-2;
  double lowest = 1e9;
  const auto result =
      strata::run::pretrain(config, {.hooks = {[&](auto&) { return std::make_unique<Lowest>(lowest); }}});

  const double first = result.losses.front(), last = result.losses.back();
  std::cout << result.progress.step << " steps, loss from " << first << " to " << last << ", lowest " << lowest << "\n";
  return result.progress.step == 20 && last < 0.7 * first && lowest <= last ? 0 : 1;
}
