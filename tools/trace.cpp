// strata trace: what a model computes, tensor by tensor, for parity work against any other implementation.
#include <ATen/ops/scalar_tensor.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/hub/model_folder.h"
#include "strata/io/json.h"
#include "strata/io/safetensors.h"
#include "strata/nn/model.h"
#include "strata/run/device.h"
#include "token_rows.h"

namespace strata::tools {
namespace {

struct TraceArguments {
  std::string model, ids, labels, out, precision = "fp32";
  bool gradients = false;
  std::optional<int64_t> step;
  config::RunSettings run;
};

// [N, ...] as [rows, T, ...] where all rows are equally long.
at::Tensor by_row(const at::Tensor& flat_N, const data::TokenBatch& batch) {
  const int64_t length = batch.row_starts[1];
  for (size_t row = 1; row < batch.row_starts.size(); ++row) {
    if (batch.row_starts[row] - batch.row_starts[row - 1] != length) return flat_N;
  }
  std::vector<int64_t> shape{batch.num_rows(), length};
  for (int64_t dim = 1; dim < flat_N.dim(); ++dim) shape.push_back(flat_N.size(dim));
  return flat_N.view(shape);
}

io::NamedTensors trace(nn::Model& model, const data::TokenBatch& batch, bool gradients) {
  io::NamedTensors tensors;
  const at::Tensor logits = model.logits_NV(batch, [&](int64_t layer, const at::Tensor& stream_ND) {
    tensors.emplace_back("hidden." + std::to_string(layer), by_row(stream_ND.clone(), batch));
  });
  tensors.emplace_back("logits", by_row(logits, batch));
  const auto targets = static_cast<double>(std::max<int64_t>(batch.num_targets(), 1));
  const double loss = gradients ? model.loss_and_gradients(batch, 1.0 / targets) : model.loss(batch);
  tensors.emplace_back("loss", at::scalar_tensor(loss / targets, at::kFloat));
  if (!gradients) return tensors;
  for (const ParamSpec& param : model.spec().layout.params) {
    tensors.emplace_back("grad." + param.name, model.parameters().gradient(param.name));
  }
  return tensors;
}

void run(const TraceArguments& arguments) {
  const hub::ModelFolder folder = hub::open_model_folder(arguments.model);
  nn::check_loadable(folder.spec.layout, folder.weights);
  const auto batch = read_batch(arguments.ids, arguments.labels, folder.spec.dims.vocab);
  STRATA_CHECK(batch.num_targets() > 0 || !arguments.gradients,
               arguments.labels.empty() ? arguments.ids : arguments.labels,
               ": no position has a label: there is no loss to differentiate");
  const auto gemm = run::open_gemm(arguments.run, {.hidden = folder.spec.dims.hidden});
  Allocator allocator(at::kCPU);
  nn::Model model(folder.spec,
                  {.precision = arguments.precision == "bf16" ? config::Precision::kBf16 : config::Precision::kFp32,
                   .limits = {.max_tokens = batch.num_tokens(), .longest_row = batch.longest_row},
                   .gradients = arguments.gradients},
                  *gemm, allocator);
  nn::load_parameters(model.parameters(), folder.weights);
  if (arguments.step) model.set_update(*arguments.step);
  const io::NamedTensors tensors = trace(model, batch, arguments.gradients);
  io::write_safetensors(arguments.out, tensors);
  log::info(str(arguments.out, ": ", tensors.size(), " tensors of ", batch.num_rows(), " rows, ", batch.num_tokens(),
                " tokens"));
}

}  // namespace

void add_trace(const Command& program) {
  const auto arguments = std::make_shared<TraceArguments>();
  const Command command = program.add(
      "trace", "write hidden states, logits, loss and gradients; of a model on given ids, to a safetensors file");
  command.option("folder", arguments->model, "model folder, ours or a stock Hugging Face LLaMA").required();
  command.option("--ids", arguments->ids, "JSON array of rows of token ids; every position is computed as given")
      .required();
  command.option("--labels", arguments->labels,
                 "JSON array of the same shape, -100 where ignored, not shifted; default: the ids");
  command.option("--out", arguments->out, "safetensors file: hidden.{layer}, logits, loss, grad.{name}").required();
  command.flag("--gradients", arguments->gradients, "also the gradient of every parameter");
  command
      .option("--step", arguments->step,
              "as in this update, from 0, where the scheme moves with them; default: a checkpoint's next, else at "
              "their end")
      .not_negative();
  command.option("--precision", arguments->precision).one_of({"fp32", "bf16"}).shows_default();
  command.run([arguments] { run(*arguments); });
}

}  // namespace strata::tools
