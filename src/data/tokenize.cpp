#include "strata/data/tokenize.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "strata/data/token_shard.h"

namespace strata::data {
namespace {

constexpr size_t kBatchBytes = 256 * 1024;

struct Batch {
  int64_t number = -1;
  std::vector<std::string> texts;
};

// Every thread reads a batch, tokenizes it, and writes it when its turn has come: reading and writing are short and
// take a mutex each, so no thread is ever kept for them, and no more than one batch a thread is in memory.
class Pipeline {
 public:
  Pipeline(const Source& source, const Tokenizer& tokenizer, const TokenizeOptions& options, TokenShardWriter& writer,
           const std::stop_token& stop)
      : reader_(source, options.reading, options.threads),
        tokenizer_(tokenizer),
        options_(options),
        writer_(writer),
        stop_(stop) {}

  /// False if it was stopped.
  bool run() {
    {
      std::vector<std::jthread> helpers;
      for (int i = 1; i < options_.threads; ++i) helpers.emplace_back([this] { work(); });
      work();
    }
    if (failure_) std::rethrow_exception(failure_);
    counts_.bad_documents = reader_.bad_documents();
    return !stop_.stop_requested();
  }

  const TokenizeCounts& counts() const { return counts_; }

 private:
  void work() {
    try {
      for (Batch batch = read(); !batch.texts.empty(); batch = read()) {
        std::vector<std::vector<int32_t>> documents;
        for (const std::string& text : batch.texts) documents.push_back(tokenizer_.encode_document(text));
        write(batch, documents);
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }

  Batch read() {
    const std::lock_guard lock(reading_);
    Batch batch{.number = batches_read_, .texts = {}};
    if (at_end_ || stop_.stop_requested()) return batch;
    std::string text;
    for (size_t bytes = 0; bytes < kBatchBytes; bytes += text.size()) {
      if (!reader_.next(text)) {
        at_end_ = true;
        break;
      }
      batch.texts.push_back(text);
    }
    batches_read_ += batch.texts.empty() ? 0 : 1;
    return batch;
  }

  void write(const Batch& batch, const std::vector<std::vector<int32_t>>& documents) {
    std::unique_lock lock(writing_);
    turn_.wait(lock, [&] { return batches_written_ == batch.number || failure_; });
    if (failure_) return;
    for (const auto& ids : documents) {
      writer_.add(ids);
      counts_.tokens += static_cast<int64_t>(ids.size());
    }
    for (const auto& text : batch.texts) counts_.text_bytes += static_cast<int64_t>(text.size());
    counts_.documents += static_cast<int64_t>(documents.size());
    ++batches_written_;
    if (options_.progress) options_.progress(counts_);
    lock.unlock();
    turn_.notify_all();
  }

  // The first failure is the one that is told; the others stop at their next batch.
  void fail(std::exception_ptr failure) {
    {
      const std::scoped_lock lock(reading_, writing_);
      at_end_ = true;
      if (!failure_) failure_ = std::move(failure);
    }
    turn_.notify_all();
  }

  DocumentReader reader_;
  const Tokenizer& tokenizer_;
  const TokenizeOptions& options_;
  TokenShardWriter& writer_;
  const std::stop_token& stop_;

  std::mutex reading_;  // guards reader_ and these two
  int64_t batches_read_ = 0;
  bool at_end_ = false;

  std::mutex writing_;  // guards writer_ and these
  std::condition_variable turn_;
  int64_t batches_written_ = 0;
  TokenizeCounts counts_;
  std::exception_ptr failure_;
};

}  // namespace

std::optional<TokenizeCounts> tokenize(const Source& source, const Tokenizer& tokenizer, const TokenizeOptions& options,
                                       const std::filesystem::path& output, const std::stop_token& stop) {
  TokenShardWriter writer(output, tokenizer.fingerprint(), tokenizer.vocab_size());
  Pipeline pipeline(source, tokenizer, options, writer, stop);
  if (!pipeline.run()) return std::nullopt;
  if (options.made) options.made(pipeline.counts());
  writer.commit();
  return pipeline.counts();
}

}  // namespace strata::data
