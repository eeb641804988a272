#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "strata/data/source.h"
#include "strata/data/tokenizer.h"

namespace strata::eval {

/// A text in tokens, as training has it.
struct Document {
  std::vector<int32_t> ids;  // with what training puts around it
  int64_t bytes = 0;         // of the text, in UTF-8
};

/// The documents of files, in their order. A megabyte or so of text is read ahead and encoded on ATen's threads.
/// Throws what data::DocumentReader throws.
class DocumentStream {
 public:
  /// The tokenizer must outlive it. `sources` are of files, none a URL.
  DocumentStream(std::vector<data::Source> sources, const data::Tokenizer& tokenizer, data::ReadOptions reading = {})
      : sources_(std::move(sources)), tokenizer_(tokenizer), reading_(std::move(reading)) {}

  /// False at the end.
  bool next(Document& document);

 private:
  std::vector<std::string> read_texts();
  void encode(const std::vector<std::string>& texts);

  std::vector<data::Source> sources_;
  const data::Tokenizer& tokenizer_;
  data::ReadOptions reading_;
  size_t next_source_ = 0;
  std::optional<data::DocumentReader> reader_;  // of the source that is being read
  std::deque<Document> encoded_;
};

/// What there is to score in files.
struct DocumentCounts {
  int64_t documents = 0;
  int64_t scored = 0;        // tokens: all but the first of each document
  int64_t longest = 0;       // tokens of the longest document
  uint64_t fingerprint = 0;  // of all ids, in order
};

/// Reads and encodes everything once, and keeps nothing of it: what is wrong with a file is known before anything is
/// computed. Throws Error, naming the source's first file, for a source without a document of two tokens or more, and
/// as DocumentStream.
DocumentCounts count_documents(const std::vector<data::Source>& sources, const data::Tokenizer& tokenizer,
                               const data::ReadOptions& reading = {});

}  // namespace strata::eval
