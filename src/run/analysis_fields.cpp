#include "analysis_fields.h"

namespace strata::run {

const train::WrittenFile& analysis_fields() {
  static const train::WrittenFile file{
      .name = "analysis.json",
      .when =
          "What `strata analyze` finds of a run's checkpoint (`src/eval/analysis.cpp`). Arrays have one element for "
          "each layer, from layer 0; those of gates one for each gate, as in `layers.jsonl`.",
      .fields = {
          {"folder", "checkpoint or model folder that was analyzed"},
          {"files", "`--text`, as it was given"},
          {"documents", "documents that were read, the last one perhaps in part"},
          {"tokens", "tokens that were read", "tokens"},
          {"max_length", "longest row; a longer document goes on in the next", "tokens"},
          {"loss", "mean loss of all tokens but the first of each row", "nats a token"},
          {"angular_distance",
           "rows of a square: arccos(x·y / (|x| |y|)) / π of a token's residual streams x and y at two places, mean "
           "over the tokens (arXiv 2403.17887, there of each sequence's last token); place 0 is the embedding, place "
           "l + 1 what leaves layer l",
           "0 to 1"},
          {"activation_variance",
           "variance of the residual stream that leaves the layer, over all tokens and channels, as in "
           "`layers.jsonl`"},
          {"gradient_norm", "L2 norm of the gradients of the layer's parameters, of `loss`"},
          {"gate", "α of each gate; only under `+gpas`, as the next"},
          {"gate_factor", "1 − activation(α)"},
          {"model.scheme", "`norm.scheme`"},
          {"model.parameters", "numbers in the model"},
          {"model.weights", "checksum of the weights", "16 hexadecimal digits"},
          {"model.tokenizer", "fingerprint of the tokenizer", "16 hexadecimal digits"},
          {"model.precision", "what it was computed in"},
          {"model.gemm", "matrix library"}}};
  return file;
}

}  // namespace strata::run
