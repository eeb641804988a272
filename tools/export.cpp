// strata export: a model as other programs read it.
#include "strata/hub/export.h"

#include <iostream>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/data/source.h"
#include "strata/hub/compare.h"
#include "strata/io/folder.h"
#include "strata/nn/report.h"
#include "strata/run/device.h"

namespace strata::tools {
namespace {

struct ExportArguments {
  std::string folder, out, to = "hf", dtype, tokenizer, text;
  double shard_size = 5e9;
  bool force = false;
};

std::optional<at::ScalarType> dtype_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return name == "bf16" ? at::kBFloat16 : name == "fp16" ? at::kHalf : at::kFloat;
}

std::filesystem::path tokenizer_of(const ExportArguments& arguments, const config::RunConfig& config) {
  const std::string& given = arguments.tokenizer.empty() ? config.data.tokenizer : arguments.tokenizer;
  if (given.empty()) return {};
  std::filesystem::path file = data::local_copy(given, config.data.cache);
  if (!std::filesystem::exists(file)) {
    throw UsageError(str("there is no tokenizer ", file.string(),
                         arguments.tokenizer.empty()
                             ? ", which data.tokenizer of " + arguments.folder + " names; --tokenizer names another"
                             : ""));
  }
  if (!arguments.tokenizer.empty()) return file;
  try {
    const data::Tokenizer opens(file);
    return file;
  } catch (const Error& failure) {
    log::warn(str("no tokenizer is exported: ", failure.what(), "; --tokenizer names another"));
    return {};
  }
}

data::TokenRows rows_of(const ExportArguments& arguments, const hub::ModelFolder& model,
                        const std::filesystem::path& tokenizer) {
  const int64_t longest = model.config.model.max_positions;
  if (tokenizer.empty()) {
    if (!arguments.text.empty())
      throw UsageError("--text: there is no tokenizer to read it with; --tokenizer names one");
    return hub::random_rows(model.spec.dims.vocab, longest);
  }
  return hub::rows_of_text(data::Tokenizer(tokenizer), arguments.text, longest);
}

// What was trained beside what a reader of the export computes.
void report_difference(const ExportArguments& arguments, const hub::ModelFolder& model,
                       const std::filesystem::path& exported, const std::filesystem::path& tokenizer) {
  const auto rows = rows_of(arguments, model, tokenizer);
  const auto gemm = run::open_gemm({}, {.hidden = model.spec.dims.hidden});
  const auto difference = hub::compare_logits(model, hub::open_model_folder(exported), rows, *gemm);
  std::cout << "  logits of " << with_commas(difference.tokens)
            << (tokenizer.empty()        ? " random tokens"
                : arguments.text.empty() ? " tokens of English"
                                         : " tokens of ")
            << arguments.text << ", before and after, in fp32: largest difference "
            << significant(difference.largest, 3) << ", mean " << significant(difference.mean, 3)
            << ", of logits up to " << significant(difference.largest_logit, 3) << "\n";
}

void report_folding(const hub::Exported& exported) {
  const hub::Folding& folding = exported.folding;
  if (!folding.obstacle.empty()) {
    std::cout << "  no stock model: " << folding.obstacle
              << "; modeling_strata.py computes it (trust_remote_code=True)\n";
    return;
  }
  if (folding.is_identity()) return;
  std::cout << "  folded into o_proj, down_proj and gains; product of all that scales the stream: "
            << significant(folding.stream, 4) << "\n";
  if (exported.dtype == at::kHalf && folding.stream < 1.0) {
    log::warn(str("fp16: the residual stream is ", significant(1.0 / folding.stream, 3),
                  " times as large as in training, and fp16 ends at 65,504; bf16 and fp32 have room"));
  }
}

void run(const ExportArguments& arguments) {
  const hub::ModelFolder model = hub::open_model_folder(arguments.folder);
  const auto tokenizer = tokenizer_of(arguments, model.config);
  io::AtomicFolder folder(arguments.out, "config.json", arguments.force);
  const hub::Exported exported = hub::export_model(model,
                                                   {.dtype = dtype_of(arguments.dtype),
                                                    .most_shard_bytes = static_cast<size_t>(arguments.shard_size),
                                                    .tokenizer = tokenizer},
                                                   folder.temporary());
  const bool is_stock = exported.folding.obstacle.empty();
  std::cout << arguments.out << ": " << (is_stock ? hub::class_of(exported.folding.stock) : "StrataForCausalLM") << ", "
            << with_commas(model.spec.layout.count()) << " parameters, " << model.config.norm.scheme << ", "
            << nn::name_of(exported.dtype) << (exported.files > 1 ? str(" in ", exported.files, " files") : "")
            << (tokenizer.empty() ? ", no tokenizer" : ", with tokenizer") << "\n";
  report_folding(exported);
  if (is_stock) report_difference(arguments, model, folder.temporary(), tokenizer);
  folder.commit();
}

}  // namespace

void add_export(const Command& program) {
  const auto arguments = std::make_shared<ExportArguments>();
  const Command command = program.add(
      "export",
      "write a model for Hugging Face; a stock LLaMA, Qwen3 or OLMo 2 wherever it is one or can be folded into one");
  command.option("folder", arguments->folder, "model folder or checkpoint").required();
  command.option("out", arguments->out, "folder to write").required();
  command.option("--to", arguments->to).one_of({"hf"}).shows_default();
  command.option("--dtype", arguments->dtype, "default: as the weights are stored").one_of({"fp32", "bf16", "fp16"});
  command.option("--max-shard-size", arguments->shard_size, "of a file of weights (default 5GB)")
      .with_unit({{"MB", 1e6}, {"GB", 1e9}})
      .positive();
  command.option("--tokenizer", arguments->tokenizer,
                 "tokenizer.json or sentencepiece model, a file or URL; default: data.tokenizer of the folder");
  command.option("--text", arguments->text,
                 "file to compare the logits on, before and after, of any kind that data.train takes");
  command.flag("--force", arguments->force, "replace an export that is there");
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
