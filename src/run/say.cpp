#include "say.h"

#include <algorithm>
#include <cctype>
#include <functional>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/machine.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/config/enums.h"
#include "strata/plan/run_cost.h"
#include "strata/train/checkpoint/checkpoint.h"
#include "strata/train/checkpoint/retention.h"

namespace strata::run {
namespace {

int64_t planned_bytes(const Settled& run, int64_t program) { return program + run.memory.device_bytes(); }

std::string where(const Rate& rate, const RunDevice& device) {
  std::string one = place_text(device);
  if (rate.workers == 1) return one;
  return device.cuda ? str(rate.workers, " x ", one) : str(rate.workers, " workers with ", one, " each");
}

// Three of them on a line, the largest first.
std::string parts_of_memory(const Settled& run, int64_t program) {
  auto parts = plan::bytes_by_class(run.memory);
  parts.emplace_back("program and libraries", program);
  std::erase_if(parts, [](const auto& part) { return part.second <= 0; });
  std::ranges::stable_sort(parts, std::greater<>(), [](const auto& part) { return part.second; });
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    text += str(i % 3 == 0 ? "    " : ", ", parts[i].first, " ", human_bytes(parts[i].second));
    if (i % 3 == 2 || i + 1 == parts.size()) text += "\n";
  }
  return text;
}

// Where an update has matrix products of its own.
std::string products_of_update(const Settled& run) {
  const double flops = plan::cost_of(run.config, run.spec).update;
  if (flops == 0.0) return "";
  return str(" · ", config::enum_name(run.config.optimizer.kind), " ", significant(flops / 1e9, 3),
             " GFLOP per update");
}

// As it can be pasted into a shell.
std::string shell_word(const std::string& text) {
  const bool is_plain = std::ranges::all_of(text, [](unsigned char letter) {
    return std::isalnum(letter) != 0 ||
           std::string_view("_./@+=:,-").find(static_cast<char>(letter)) != std::string_view::npos;
  });
  if (is_plain) return text;
  std::string word = "'";
  for (const char letter : text) word += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return word + "'";
}

std::string losses_text(const std::string& folder) try {
  const auto losses = train::validation_losses(folder);
  if (losses.empty()) return "";
  const auto best = std::ranges::min_element(losses, {}, [](const auto& loss) { return loss.second; });
  return str("\n  validation loss ", fixed(losses.rbegin()->second, 4), ", the lowest ", fixed(best->second, 4),
             " at step ", best->first);
} catch (const Error& failure) {
  log::warn(failure.what());  // the model is there all the same
  return "";
}

}  // namespace

void say_header(const std::string& command, const Settled& run, const RunDevice& device, int64_t program,
                const Rate& rate, const std::vector<std::string>& about_input) {
  const config::RunConfig& config = run.config;
  const double flops = rate.flops_per_token;
  std::string text =
      str("strata ", version(), " · ", command, " · ", config.norm.scheme, " · seed ", config.run.seed, " · ",
          config.run.dir, "\n  parameters ", with_commas(run.spec.layout.count()), " · ", fixed(flops / 1e9, 3),
          " GFLOP per token · ", config.train.global_batch, " rows of up to ", config.data.sequence_length,
          " tokens per step", products_of_update(run), "\n  memory ", human_bytes(planned_bytes(run, program)),
          ", recompute ", config::enum_name(config.train.recompute), "\n");
  text += parts_of_memory(run, program);
  text += str("  ", where(rate, device), " · ", rate.library, " ", fixed(rate.gflops, 0),
              " GFLOP/s on this model's shapes · at most ",
              with_commas(static_cast<int64_t>(rate.gflops * 1e9 / flops)), " tokens/s\n");
  for (const std::string& line : about_input) text += "  " + line + "\n";
  log::say(text);
}

void say_memory(const Settled& run, const RunDevice& device, int64_t program) {
  const int64_t peak = device.cuda ? device.cuda->peak_allocated_bytes() : peak_resident_bytes();
  if (peak == 0) return;
  const int64_t planned = planned_bytes(run, program);
  const double more = 100.0 * (static_cast<double>(peak) / static_cast<double>(planned) - 1.0);
  log::say(str("memory: planned ", human_bytes(planned), device.cuda ? ", allocated at most " : ", resident at most ",
               human_bytes(peak), " (", more < 0.0 ? "" : "+", fixed(more, 1), " %)"));
}

void say_end(const Settled& run, const RunResult& result) {
  const train::Progress& progress = result.progress;
  if (result.signal != 0) {
    return log::info(
        str("stopped by signal ", result.signal, " after step ", progress.step, "; the checkpoint is saved"));
  }
  const std::string& folder = run.config.run.dir;
  std::string text = str("done: step ", progress.step, ", ", with_commas(progress.tokens), " tokens, in ", folder);
  for (const std::string& line : result.data) text += "\n  " + line;
  text += losses_text(folder);
  const std::string name = shell_word(folder);
  text += str("\n  the model is ", train::checkpoint_path(folder, progress.step).string(), "\n  next: strata generate ",
              name, " --prompt \"...\", strata eval ", name);
  log::say(text);
}

}  // namespace strata::run
