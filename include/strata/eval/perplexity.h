#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "strata/data/prefix_tree.h"
#include "strata/eval/documents.h"
#include "strata/nn/model.h"
#include "strata/workers/communicator.h"

namespace strata::eval {

struct PerplexityOptions {
  int64_t max_length = 2048;  // tokens that the model reads at a time
  int64_t stride = 1024;      // from the begin of a window to that of the next; 1 to max_length
  int64_t batch = 0;          // windows at a time; 0: as many as the model's batch limits allow
};

/// Window `index` of a document of L ids, as the row that scores what is new in it; nothing after the last window.
///
/// Window k reads ids [k * stride, e_k), e_k = min(k * stride + max_length, L - 1), and scores ids e_{k-1} + 1 to e_k
/// (e_{-1} = 0), each as what comes next. So every token but the document's first is scored exactly once, with all of
/// the document before it while that is at most max_length tokens, else with the last max_length - stride + 1 or more:
/// a window begins with the last max_length - stride tokens of the one before. A document of one id has no window.
/// These are the windows of Hugging Face's "Perplexity of fixed-length models" with its max_length one larger: there
/// the last token of a window is only a target.
std::optional<data::ScoredRow> window_of(std::span<const int32_t> ids, int64_t index, const PerplexityOptions& options);

/// Sums over documents, and what follows from them.
struct Perplexity {
  int64_t documents = 0;
  int64_t tokens = 0;  // scored: all but the first of each document, its end token among them
  int64_t bytes = 0;   // of all documents' text
  double sum = 0.0;    // of -log p(token | those before it), in nats

  double loss() const;           // nats a token
  double perplexity() const;     // exp(loss)
  double bits_per_byte() const;  // sum / ln 2 / bytes: does not depend on how the tokenizer cuts text

  bool operator==(const Perplexity&) const = default;
};

/// Gives the next document and true, or false at the end.
using NextDocument = std::function<bool(Document&)>;

/// What has been scored so far.
using WhenMeasured = std::function<void(const Perplexity&)>;

/// Scores documents, a collective: batches of windows are dealt out to the workers, each of which reads all documents.
///
/// Sums are taken in fp64 over each window and then over the windows in their order. With the `tiles` GEMM on the CPU
/// the result depends, to the bit, neither on the batches nor on the number of workers or threads. The same on every
/// worker. At least one document must have two tokens; throws Error for an id outside the vocabulary.
Perplexity measure_perplexity(nn::Model& model, const NextDocument& next, const PerplexityOptions& options,
                              workers::Communicator& workers, const WhenMeasured& when_measured = {});

}  // namespace strata::eval
