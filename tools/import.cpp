// strata import: a model of somebody else's as a model folder of Strata's.
#include "strata/hub/import.h"

#include <iostream>

#include "command.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/folder.h"
#include "strata/nn/model_folder.h"

namespace strata::tools {
namespace {

struct ImportArguments {
  std::string source, out;
  hub::ImportOptions options;
  bool force = false;
};

void run(const ImportArguments& arguments) {
  io::AtomicFolder folder(arguments.out, nn::kConfigFile, arguments.force);
  const hub::Imported imported = hub::import_model(arguments.source, arguments.options, folder.temporary());
  folder.commit();
  std::cout << arguments.out << ": " << with_commas(imported.parameters) << " parameters, "
            << imported.config.norm.scheme << (imported.is_inferred ? " (the only scheme with these tensors)" : "")
            << ", fp32, from " << imported.files << "\n";
  if (!imported.tokenizer.empty()) {
    std::cout << "  " << imported.tokenizer << " copied; strata generate takes it from there\n";
  } else if (!imported.no_tokenizer.empty()) {
    log::warn("the tokenizer is not copied: " + imported.no_tokenizer);
  }
}

}  // namespace

void add_import(const Command& program) {
  const auto arguments = std::make_shared<ImportArguments>();
  const Command command = program.add(
      "import",
      "make a model folder of somebody else's; of a stock Hugging Face LLaMA or a checkpoint of the GPAS paper's code");
  command.option("source", arguments->source, "folder with config.json and safetensors or pytorch_model.bin")
      .required();
  command.option("out", arguments->out, "folder to write").required();
  command.option("overrides", arguments->options.overrides,
                 "norm.key=value that the checkpoint was trained with: norm.options.post_share=0.25");
  command.option("--scheme", arguments->options.scheme,
                 "norm.scheme of the checkpoint, which is in none of its files; default: the one scheme that has "
                 "its tensors, a stock LLaMA where they are one's");
  command.flag("--force", arguments->force, "replace a model folder that is there");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
