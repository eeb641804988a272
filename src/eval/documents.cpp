#include "strata/eval/documents.h"

#include <xxhash.h>

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/seed.h"
#include "strata/base/threads.h"

namespace strata::eval {
namespace {

constexpr size_t kTextAhead = size_t{1} << 20;  // bytes

}  // namespace

bool DocumentStream::next(Document& document) {
  if (encoded_.empty()) encode(read_texts());
  if (encoded_.empty()) return false;
  document = std::move(encoded_.front());
  encoded_.pop_front();
  return true;
}

std::vector<std::string> DocumentStream::read_texts() {
  std::vector<std::string> texts;
  std::string text;
  for (size_t bytes = 0; bytes < kTextAhead;) {
    if (!reader_) {
      if (next_source_ == sources_.size()) break;
      reader_.emplace(sources_[next_source_++], reading_);
    }
    if (reader_->next(text)) {
      bytes += text.size();
      texts.push_back(std::move(text));
    } else {
      reader_.reset();
    }
  }
  return texts;
}

void DocumentStream::encode(const std::vector<std::string>& texts) {
  encoded_.resize(texts.size());
  parallel_ranges(std::ssize(texts), 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      encoded_[i] = {.ids = tokenizer_.encode_document(texts[i]), .bytes = std::ssize(texts[i])};
    }
  });
}

DocumentCounts count_documents(const std::vector<data::Source>& sources, const data::Tokenizer& tokenizer,
                               const data::ReadOptions& reading) {
  DocumentCounts counts;
  for (const data::Source& source : sources) {
    DocumentStream stream({source}, tokenizer, reading);
    const DocumentCounts before = counts;
    for (Document document; stream.next(document);) {
      const std::vector<int32_t>& ids = document.ids;
      ++counts.documents;
      counts.scored += std::ssize(ids) - 1;
      counts.longest = std::max(counts.longest, std::ssize(ids));
      counts.fingerprint = mix_bits(counts.fingerprint ^ XXH3_64bits(ids.data(), ids.size() * sizeof ids[0]));
    }
    STRATA_CHECK(counts.documents > before.documents, source.files.front().string(), ": there is no document in it");
    STRATA_CHECK(counts.scored > before.scored, source.files.front().string(),
                 ": nothing to score: no document has a second token");
  }
  return counts;
}

}  // namespace strata::eval
