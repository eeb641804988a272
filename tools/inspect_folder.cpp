// strata inspect FOLDER: what a model folder or a checkpoint holds.
#include <algorithm>
#include <set>
#include <sstream>

#include "inspect.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/hub/model_folder.h"
#include "strata/io/file.h"
#include "strata/io/tensor_files.h"
#include "strata/nn/report.h"
#include "strata/study/run_log.h"
#include "strata/train/checkpoint/checkpoint.h"
#include "strata/train/run_folder.h"

namespace strata::tools {
namespace {

std::string dtypes_in(const io::TensorFiles& weights) {
  std::set<std::string> dtypes;
  for (const std::string& name : weights.names()) dtypes.insert(nn::name_of(weights.info(name).dtype));
  return join({dtypes.begin(), dtypes.end()}, " and ");
}

std::string files_in(const io::TensorFiles& weights) {
  const std::string first = weights.files().front().filename().string();
  return weights.files().size() == 1 ? first : str(weights.files().size(), " files");
}

// The row that comes next; of a mixture, of each source.
std::string position_text(const data::OrderCursor& cursor) {
  if (cursor.sources.empty()) return str("epoch ", cursor.epoch, ", row ", cursor.row);
  std::vector<std::string> texts;
  for (const data::SourceCursor& source : cursor.sources) {
    texts.push_back(str("data.train[", texts.size(), "] epoch ", source.epoch, ", row ", source.row));
  }
  return join(texts, "; ");
}

std::string checkpoint_report(const train::Checkpoint& checkpoint) {
  const train::CheckpointState& state = checkpoint.state();
  const train::Progress& progress = state.progress;
  Table files({{"  file"}, {"bytes", Table::Align::kRight}, {"xxh3"}});
  for (const auto& [name, seal] : checkpoint.manifest()) {
    files.add({"  " + name, with_commas(static_cast<int64_t>(seal.bytes)), seal.xxh3});
  }
  return str("\ncheckpoint of step ", progress.step, ": every file is as it was saved\n", files.text(), "  ",
             with_commas(progress.tokens), " tokens seen, next: ", position_text(progress.cursor), "; seed ",
             progress.cursor.seed, ", ", progress.skipped, " updates skipped\n  data ", state.data_fingerprint,
             ", tokenizer ", state.tokenizer_fingerprint, "\n  ", state.gemm, " on ", state.threads,
             " threads, Strata ", state.strata_version, ", LibTorch ", state.torch_version, "\n");
}

std::string losses_of(const study::RunLog& run) {
  const std::vector<double>& losses = run.evaluations.column("loss");
  if (losses.empty()) return "no evaluation";
  const auto lowest = std::ranges::min_element(losses) - losses.begin();
  return str("validation loss ", fixed(losses.back(), 4), ", the lowest ", fixed(losses[lowest], 4), " at step ",
             run.evaluations.step[static_cast<size_t>(lowest)]);
}

// How the run went that a checkpoint belongs to, and what it made of its data.
std::string run_report(const std::filesystem::path& checkpoint) {
  const auto folder = std::filesystem::absolute(checkpoint).lexically_normal().parent_path().parent_path();
  if (!study::is_run(folder)) return "";
  const study::RunLog run = study::read_run(folder);
  const std::vector<double> seconds = study::seconds_at(run);
  std::string text =
      str("run ", folder.filename().string(), run.is_complete ? ": complete" : ": not complete", ", step ",
          run.metrics.empty() ? 0.0 : run.metrics.step.back(), " of ", run.config.train.steps, ", ",
          human_seconds(seconds.empty() ? 0.0 : seconds.back()), " of training\n  ", losses_of(run), "\n");
  if (!std::filesystem::exists(train::data_file(folder))) return text;
  std::istringstream lines(io::read_text(train::data_file(folder)));
  for (std::string line; std::getline(lines, line);) text += "  " + line + "\n";
  return text;
}

}  // namespace

void inspect_folder(const std::filesystem::path& name, bool parameters) {
  const std::filesystem::path path = hub::find_model_folder(name).value_or(name);
  std::string checkpoint;
  if (train::is_checkpoint(path)) checkpoint = checkpoint_report(train::Checkpoint::open(path)) + run_report(path);
  const hub::ModelFolder folder = hub::open_model_folder(path);
  nn::check_loadable(folder.spec.layout, folder.weights);
  const at::ScalarType dtype = folder.weights.info(folder.spec.layout.params.front().name).dtype;
  print_with_comments(
      config::to_yaml(folder.config, {"model", "norm"}),
      str("\n", model_summary(folder.spec, folder.config.data.sequence_length), "\n", files_in(folder.weights), ": ",
          folder.weights.names().size(), " tensors in ", dtypes_in(folder.weights), ", all that the model needs\n",
          checkpoint, model_report(folder.spec, dtype, parameters)));
}

}  // namespace strata::tools
