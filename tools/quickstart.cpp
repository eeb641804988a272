// strata quickstart: from nothing to a small trained model and text of it, by the commands that a user would give.
#include <filesystem>
#include <iostream>
#include <ranges>

#include "command.h"
#include "demo_corpus.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/train/checkpoint/checkpoint.h"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kData = "data/demo";
constexpr const char* kRun = "runs/demo";
constexpr const char* kLastFile = "demo-validation.00000-of-00001.json.gz";

struct QuickstartArguments {
  std::string folder = ".";
  std::vector<std::string> overrides;
  bool corpus_only = false;
};

// What is installed with the program, or lies in the tree that it was built in.
std::optional<fs::path> installed(const std::string& file, const std::string& in_tree) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path places[] = {program / ".." / STRATA_DATA_FOLDER / file, program / "../.." / in_tree};
  for (const fs::path& place : places) {
    if (fs::exists(place)) return place.lexically_normal();
  }
  return std::nullopt;
}

void say(const std::string& title) { std::cout << "\n== " << title << "\n" << std::flush; }

void run_command(std::vector<std::string> words) {
  words.insert(words.begin(), "strata");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  run_command_line(static_cast<int>(pointers.size()), pointers.data(), purposes());
}

void make_corpus() {
  say(str("1/4 corpus in ", kData, ": the King James Bible"));
  if (fs::exists(fs::path(kData) / kLastFile)) return log::show("is there\n");
  const auto ready = installed("demo", "nowhere");
  if (!ready) return make_demo_corpus(kData);
  fs::create_directories(kData);
  std::vector<fs::path> files{fs::directory_iterator(*ready), fs::directory_iterator()};
  std::ranges::sort(files);  // the last one last
  for (const fs::path& file : files) {
    fs::copy_file(file, fs::path(kData) / file.filename(), fs::copy_options::overwrite_existing);
  }
}

void make_tokenizer() {
  const std::string tokenizer = str(kData, "/tokenizer.model");
  say(str("2/4 tokenizer ", tokenizer, ": strata train-tokenizer"));
  if (fs::exists(tokenizer)) return log::show("is there\n");
  run_command({"train-tokenizer", "--input", str(kData, "/demo-train.*.json.gz"), "--vocab-size", "4096", "--output",
               tokenizer});
}

std::string newest_checkpoint() {
  const std::vector<fs::path> found = train::checkpoints_of(kRun);
  STRATA_CHECK(!found.empty(), kRun, ": has no checkpoint");
  return found.back().string();
}

void say_what_next(const std::string& config, const std::string& checkpoint) {
  say("done. It is small and has read one book for two minutes; what it shows is the way.");
  std::cout << "  " << kRun << "/metrics.jsonl    every step: loss, learning rate, gradient norm, speed\n  " << kRun
            << "/layers.jsonl     every layer: activation variance, gradient norm, the GPAS gate\n  " << kRun
            << "/tb               the same for TensorBoard\n  " << checkpoint << "  the model\n\nTry next:\n"
            << "  # more of its text\n  strata generate " << checkpoint
            << " --prompt \"And the king said\" --temperature 0.7\n"
            << "  # the same training without GPAS, three seeds of each: is there a difference?\n  strata compare "
            << config << " train.steps=60 schedule.warmup_steps=6 --schemes pre,pre+gpas\n"
            << "  # any scheme in any size: parameters and memory\n  strata inspect "
            << (fs::path(config).parent_path() / "71m.yaml").string() << " norm.scheme=sandwich+gpas\n"
            << std::flush;
}

void run(const QuickstartArguments& arguments) {
  const auto config = installed("configs/pretrain/demo.yaml", "configs/pretrain/demo.yaml");
  STRATA_CHECK(config || arguments.corpus_only, "there is no configs/pretrain/demo.yaml beside the program");
  fs::create_directories(arguments.folder);
  fs::current_path(arguments.folder);
  make_corpus();
  if (arguments.corpus_only) return;
  make_tokenizer();
  say("3/4 train: strata pretrain " + config->string());
  std::vector<std::string> pretrain{"pretrain", config->string(), str("run.dir=", kRun)};
  pretrain.insert(pretrain.end(), arguments.overrides.begin(), arguments.overrides.end());
  run_command(pretrain);
  say("4/4 generate: strata generate");
  const std::string checkpoint = newest_checkpoint();
  run_command({"generate", checkpoint, "--prompt", "In the beginning", "--tokens", "80", "--temperature", "0.7",
               "--seed", "1"});
  say_what_next(config->string(), checkpoint);
}

}  // namespace

void add_quickstart(const Command& program) {
  const auto arguments = std::make_shared<QuickstartArguments>();
  const Command command = program.add(
      "quickstart", "a small model in two minutes; a corpus, a tokenizer, training, text; what is there is kept");
  command.option("--folder", arguments->folder, "where data and runs go").shows_default();
  command.option("overrides", arguments->overrides, "key.path=value over the run's config");
  command.flag("--corpus-only", arguments->corpus_only, "make the corpus, and nothing else");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
