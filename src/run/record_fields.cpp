#include "record_fields.h"

namespace strata::run {

const train::WrittenFile& record_fields() {
  static const train::WrittenFile file{
      .name = "run.json",
      .when =
          "What made the run, and how it ended (`src/run/record.cpp`): written anew when a process begins, and after "
          "the last step of the whole run. `sessions` is a list of the processes that went on with the run, oldest "
          "first.",
      .fields = {
          {"identity",
           "tells runs apart by what decides their results: every key that changes numbers, the scheme's fingerprint, "
           "the tokens of training and validation, the tokenizer, a model to start from, when it is judged",
           "16 hexadecimal digits"},
          {"scheme.name", "`norm.scheme`"},
          {"scheme.fingerprint", "of its junctions with their numbers, and of every parameter's start",
           "16 hexadecimal digits"},
          {"data", "fingerprint of what is trained on", "16 hexadecimal digits"},
          {"evaluation_data", "fingerprint of what the run's loss is judged on; 0: part of `data`, or nothing",
           "16 hexadecimal digits"},
          {"tokenizer", "fingerprint of `data.tokenizer`", "16 hexadecimal digits"},
          {"parameters", "numbers in the model"},
          {"flops_per_token", "multiply-adds times two of forward and backward", "FLOP"},
          {"sessions.began", "when the process began its part", "UTC"},
          {"sessions.kind", "`pretrain` or `sft`"},
          {"sessions.command", "command line"},
          {"sessions.host", "name of the first worker's machine"},
          {"sessions.device", "what computed"},
          {"sessions.processor", "name of the machine's processor"},
          {"sessions.workers", "number of workers"},
          {"sessions.threads", "threads of each"},
          {"sessions.gemm", "matrix library"},
          {"sessions.strata", "Strata's version"},
          {"sessions.commit", "commit that it was built from"},
          {"sessions.build", "compiler and kind of build"},
          {"sessions.torch", "LibTorch's version"},
          {"sessions.from_step", "updates made before it; 0: it began the run"},
          {"end.at", "when the run came to its end; as the rest of `end` only then", "UTC"},
          {"end.step", "number of the last step"},
          {"end.tokens", "tokens seen", "tokens"},
          {"end.skipped", "steps without an update"},
          {"end.peak_resident_bytes", "most memory that the first worker's last process held", "bytes"},
          {"end.validation_loss", "of the last evaluation; where there are evaluations, as the next two",
           "nats a token"},
          {"end.lowest_validation_loss", "the lowest of the run", "nats a token"},
          {"end.lowest_at_step", "the step of that"},
          {"about_data", "lines for people: what became of the data"}}};
  return file;
}

}  // namespace strata::run
