#include "strata/train/written_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace strata::train {
namespace {

using nlohmann::json;
using Path = std::vector<std::string>;

bool stands_for_any(const std::string& part) {
  return std::ranges::all_of(part, [](char letter) { return letter >= 'A' && letter <= 'Z'; });
}

// "TASK.acc" names {"piqa", "acc"}. Parts of a path may have dots.
bool is_name_of(std::string_view name, const Path& path) {
  size_t index = 0;
  for (; !name.empty(); ++index) {
    const std::string part(name.substr(0, name.find('.')));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    if (index == path.size() || (part != path[index] && !stands_for_any(part))) return false;
  }
  return index == path.size();
}

void visit_inside(const WrittenFile& file, const json& value, Path& path, const VisitValue& visit) {
  if (value.is_array() && !value.empty() && value.front().is_object()) {
    for (const json& element : value) visit_inside(file, element, path, visit);
    return;
  }
  if (!value.is_object()) {
    const auto field =
        std::ranges::find_if(file.fields, [&](const WrittenField& one) { return is_name_of(one.name, path); });
    return visit(path, field == file.fields.end() ? nullptr : &*field, value);
  }
  for (const auto& [name, inner] : value.items()) {
    path.push_back(name);
    visit_inside(file, inner, path, visit);
    path.pop_back();
  }
}

}  // namespace

void for_each_value(const WrittenFile& file, const json& object, const VisitValue& visit) {
  Path path;
  visit_inside(file, object, path, visit);
}

const WrittenFile& metrics_fields() {
  static const WrittenFile file{
      .name = "metrics.jsonl",
      .when =
          "One line after every step up to step 100,000, then after every tenth up to 1,000,000, and so on, and "
          "after every step that was skipped or a spike (`src/train/hooks/metrics_files.cpp`).",
      .fields =
          {{"step", "number of the step"},
           {"loss",
            "mean loss of the step's targets, before the update; with `train.loss_average: per_micro_batch` the mean "
            "of the micro-batches' means, of which one without targets counts as 0; `null`: the step has no targets",
            "nats a token", true},
           {"lr", "learning rate of this update", "", true},
           {"grad_norm", "L2 norm of the gradients of all trained parameters, before clipping", "", true},
           {"gate_grad_norm",
            "L2 norm of the gates' gradients, after the global clip and before the gates' own; 0: there are none, or "
            "they are frozen",
            "", true, true},
           {"clip", "factor of the global clip, `train.clip.global`; 1: none"},
           {"gate_clip", "factor of the gates' gradients, the global one included"},
           {"targets", "scored positions of this step", "tokens"},
           {"tokens", "tokens seen since the run began, this step included", "tokens"},
           {"epoch", "epoch of the row that comes next, from 0; of a mixture: the highest of its sources'"},
           {"skipped",
            "`true`: the update was not made, because loss or gradient were not finite or the step was a spike"},
           {"seconds",
            "of the step, its wait for data included; evaluations, tasks and checkpoints are in no step's time", "s"},
           {"communication_seconds",
            "time in which collectives of this step were under way, on the first worker; 0 for one worker", "s"},
           {"exposed_seconds", "of that, time in which the first worker stood still, waits for slower workers included",
            "s"},
           {"tokens_per_second", "tokens of this step, divided by `seconds`", "tokens/s", true},
           {"spike",
            "`true`: loss or gradient norm are more than `train.spike.sigma` above the window; only where "
            "`train.spike.action` is not `none`, as the next two"},
           {"loss_z",
            "distance of the loss from the mean of the last `train.spike.window` steps; 0 until the window is full",
            "standard deviations"},
           {"grad_norm_z", "the same of the gradient norm", "standard deviations"}},
      .tag = "train"};
  return file;
}

const WrittenFile& layers_fields() {
  static const WrittenFile file{
      .name = "layers.jsonl",
      .when =
          "One line every `telemetry.every` steps (`src/train/layer_statistics.cpp`); `auto`, the default: after "
          "each of the first 1,000 steps, then after every tenth up to 10,000, and so on. Arrays have one element "
          "for each layer, from layer 0; those of gates one for each gate, in the order of the layers (two a layer "
          "with `norm.gpas.per: sublayer`, attention first).",
      .fields =
          {{"step", "number of the step"},
           {"activation_variance",
            "variance of the residual stream that leaves the layer, gate included, over all tokens and channels of the "
            "step (GPAS, section 5)",
            "", true},
           {"gradient_norm",
            "L2 norm of the gradients of the layer's parameters, after reduction, before clipping; `null`: the layer "
            "is frozen",
            "", true},
           {"weight_norm", "L2 norm of the layer's parameters, after the update", "", true},
           {"gate", "α of each gate, after the update; only under `+gpas`, as the next two"},
           {"gate_factor", "1 − activation(α), what the gate multiplies by, after the update", "", true},
           {"gate_gradient", "∂L/∂α, before clipping; `null`: the gate is frozen; left out where no gate trains"},
           {"trained_layers", "numbers of the layers that trained in this step; only where not all did (LISA)"}},
      .tag = "layers"};
  return file;
}

const WrittenFile& evaluations_fields() {
  static const WrittenFile file{
      .name = "eval.jsonl",
      .when =
          "One line at each evaluation (`src/train/hooks/evaluation.cpp`): every `evaluate.every` steps and after "
          "the last step of the whole run; in fine-tuning also before the first step (`step` 0) and after each "
          "epoch.",
      .fields =
          {{"step", "updates made before it"},
           {"loss", "mean loss of all targets of the validation set", "nats a token", true},
           {"perplexity", "e^`loss`", "", true},
           {"perplexity_as_in_paper_code",
            "as the paper's code reports it: e^(the sum of n micro-batches' mean losses, divided by n + 1), biased "
            "low"},
           {"targets", "scored positions of the set", "tokens"},
           {"tokens", "tokens that the run has seen", "tokens"},
           {"seconds", "that it took; no step's time", "s"},
           {"answers",
            "held-out questions that were answered by greedy generation; fine-tuning with `sft.answers` only, as the "
            "rest"},
           {"accuracy", "share of them whose first answer word is right", "0 to 1", true},
           {"majority_accuracy", "share that the most frequent answer would get", "0 to 1"},
           {"majority_of_options_accuracy",
            "the same, with the most frequent answer among questions of the same options", "0 to 1"}},
      .tag = "eval"};
  return file;
}

const WrittenFile& tasks_fields() {
  static const WrittenFile file{
      .name = "tasks.jsonl",
      .when =
          "One line every `evaluate.tasks.every` steps and after the last one, where `evaluate.tasks.names` names "
          "tasks (`src/eval/task_hook.cpp`). TASK is a task's name, whose value is an object.",
      .fields = {{"step", "updates made before it"},
                 {"TASK.acc", "share of its items whose likeliest choice is right", "0 to 1", true},
                 {"TASK.acc_stderr", "standard error of that; `null`: there is a single item", "0 to 1"},
                 {"TASK.acc_norm", "the same share by the likeliest choice a character; where the task has it",
                  "0 to 1", true},
                 {"TASK.acc_norm_stderr", "standard error of that", "0 to 1"},
                 {"average", "mean of the tasks' `acc`; only of several tasks", "0 to 1", true}},
      .tag = "tasks"};
  return file;
}

const WrittenFile& state_fields() {
  static const WrittenFile file{
      .name = "state.json",
      .when =
          "In each checkpoint (`src/train/checkpoint/files.cpp`): what else decides the next step, besides "
          "parameters and the optimizer's states.",
      .fields = {{"step", "updates asked for so far, skipped ones included"},
                 {"cursor.seed", "where the data stands: seed of the rows' order"},
                 {"cursor.epoch", "number of the epoch, from 0; of a mixture: the highest of its sources'"},
                 {"cursor.row", "the next row of this epoch's order, over all workers; of a mixture: rows so far"},
                 {"cursor.sources.epoch", "only of a mixture, a list of its sources: number of the source's epoch"},
                 {"cursor.sources.row", "the next row of that"},
                 {"cursor.sources.credit", "rows that the source is behind its share; their sum is 0", "10^-9 rows"},
                 {"tokens", "tokens seen", "tokens"},
                 {"skipped", "steps without an update"},
                 {"spikes.losses",
                  "the window that spikes are judged by: losses of the last steps, oldest first; empty where "
                  "they are not watched",
                  "nats a token"},
                 {"spikes.grad_norms", "gradient norms of the same steps"},
                 {"data_fingerprint", "of `data.train` or `sft.data`", "16 hexadecimal digits"},
                 {"tokenizer_fingerprint", "of `data.tokenizer`", "16 hexadecimal digits"},
                 {"gemm", "matrix library, on which bits depend"},
                 {"threads", "number of threads, on which bits depend"},
                 {"versions.strata", "Strata's version"},
                 {"versions.torch", "LibTorch's version"},
                 {"model_fingerprint", "of `sft.model`; only in fine-tuning", "16 hexadecimal digits"},
                 {"lisa.draws", "only under LISA, as the rest: draws made so far"},
                 {"lisa.layers", "layers that train now"},
                 {"lisa.updates", "updates of each layer, that its states know of"},
                 {"lisa.weights", "of each layer, that draws go by"}}};
  return file;
}

const WrittenFile& manifest_fields() {
  static const WrittenFile file{
      .name = "manifest.json",
      .when =
          "In each checkpoint, written last (`src/train/checkpoint/checkpoint.cpp`). FILE is the name of a file "
          "beside it.",
      .fields = {{"files.FILE.bytes", "its size", "bytes"},
                 {"files.FILE.xxh3", "checksum of its bytes", "16 hexadecimal digits"}}};
  return file;
}

}  // namespace strata::train
