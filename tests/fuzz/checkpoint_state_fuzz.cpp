#include "fuzz/target.h"
#include "strata/train/checkpoint/files.h"

namespace strata::fuzz {

using train::CheckpointState;
using train::parse_state;

void test_one(std::string_view input) {
  const CheckpointState state = parse_state(input, "read");
  const train::Progress& progress = state.progress;
  expect(progress.step >= 0 && progress.tokens >= 0 && progress.skipped >= 0 && progress.cursor.epoch >= 0 &&
             progress.cursor.row >= 0 && state.threads >= 1,
         "what is counted is a count");
  expect(progress.spikes.losses.size() == progress.spikes.grad_norms.size(), "a loss has a gradient norm");

  const std::string written = to_json(state);
  const CheckpointState again = parse_state(written, "written");
  expect(again == state && to_json(again) == written, "what is read can be written");
}

std::vector<std::string> seeds() {
  CheckpointState state;
  const std::string plain = to_json(state);
  state.progress = {.step = 7,
                    .cursor = {.seed = 42, .epoch = 1, .row = 84},
                    .tokens = int64_t{1} << 40,
                    .skipped = 2,
                    .spikes = {.losses = {0.1, 1.0 / 3.0}, .grad_norms = {1e-300, 2.0}}};
  state.data_fingerprint = "0123456789abcdef";
  state.gemm = "blis";
  state.threads = 2;
  return {plain, to_json(state)};
}

}  // namespace strata::fuzz
