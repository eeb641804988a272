#include "strata/io/fetch.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "http.h"
#include "hub_request.h"
#include "strata/base/check.h"
#include "strata/io/digest.h"
#include "strata/io/file.h"
#include "strata/io/hub.h"

namespace strata::io {
namespace {

namespace fs = std::filesystem;

// A file that grows over several attempts, and the server's name for the version that it is.
class PartFile {
 public:
  explicit PartFile(const fs::path& path) : path_(path), etag_path_(path.string() + ".etag") {}

  const fs::path& path() const { return path_; }
  bool can_go_on() const { return fs::exists(etag_path_) && size() > 0; }
  curl_off_t size() const { return fs::exists(path_) ? static_cast<curl_off_t>(fs::file_size(path_)) : 0; }
  std::string etag() const { return read_text(etag_path_); }

  void open(bool go_on, const std::string& etag) {
    file_.reset(std::fopen(path_.c_str(), go_on ? "ab" : "wb"));
    STRATA_CHECK(file_, "cannot write ", path_.string(), ": ", std::strerror(errno));
    std::setvbuf(file_.get(), nullptr, _IONBF, 0);  // so that every write says whether it worked
    fs::remove(etag_path_);
    const bool is_strong = !etag.empty() && !etag.starts_with("W/");
    if (is_strong) write_atomically(etag_path_, etag);
  }

  void write(std::string_view bytes) {
    STRATA_CHECK(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size(), "cannot write ",
                 path_.string(), ": ", std::strerror(errno));
  }

  void discard() {
    file_.reset();
    fs::remove(path_);
    fs::remove(etag_path_);
  }

  void close() { file_.reset(); }

  void rename_to(const fs::path& path) {
    fs::rename(path_, path);
    fs::remove(etag_path_);
    sync_folder(path.parent_path());
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  fs::path path_, etag_path_;
  std::unique_ptr<std::FILE, Close> file_;
};

// One request for the rest of a file, and the check of the whole when it has come.
class Attempt {
 public:
  Attempt(const HttpRequest& request, PartFile& part, const std::stop_token& stop)
      : part_(part), take_([this](std::string_view bytes) { take(bytes); }), transfer_(request, take_, stop) {}

  /// Throws Error if what comes cannot be written.
  void run() {
    if (part_.can_go_on()) transfer_.ask_from(part_.size(), part_.etag());
    transfer_.perform();
    if (transfer_.status() == Transfer::kRangeNotSatisfiable) part_.discard();  // it is no part of the server's file
    if (!transfer_.is_complete()) return;
    if (!has_gained_) open("");  // an empty file, or nothing was missing
    part_.close();
    mismatch_ = mismatch();
    if (!mismatch_.empty()) part_.discard();
  }

  Attempted outcome() const {
    const bool is_wrong = !mismatch_.empty();  // whole, but not what the server said it is
    return {.is_done = transfer_.is_complete() && !is_wrong,
            .has_gained = has_gained_ && !is_wrong,
            .is_wrong = is_wrong,
            .is_worth_another = transfer_.is_worth_another(),
            .server_wait = transfer_.server_wait(),
            .problem = is_wrong ? mismatch_ : transfer_.problem()};
  }

  const Transfer& transfer() const { return transfer_; }

 private:
  void open(const std::string& etag) { part_.open(transfer_.status() == Transfer::kPartialContent, etag); }

  void take(std::string_view bytes) {
    if (!has_gained_) open(transfer_.header("ETag").value_or(""));
    part_.write(bytes);
    has_gained_ = true;
  }

  // Hugging Face describes a file on the answer that redirects to it.
  std::optional<Digest> promised_digest() const {
    constexpr const char* kLinked = "X-Linked-ETag";
    if (const auto value = transfer_.linked_header(kLinked)) {
      if (auto digest = parse_digest(kLinked, *value)) return digest;
    }
    for (const char* field : {"Repr-Digest", "Digest", "Content-MD5"}) {
      // A Content-MD5 beside a part of a file is the part's.
      if (transfer_.status() == Transfer::kPartialContent && field == std::string_view("Content-MD5")) continue;
      const auto value = transfer_.header(field);
      if (auto digest = value ? parse_digest(field, *value) : std::nullopt) return digest;
    }
    return std::nullopt;
  }

  // How the file differs from what the server says about it; empty where it does not.
  std::string mismatch() const {
    const auto size = transfer_.linked_header("X-Linked-Size");
    if (size && *size != std::to_string(part_.size())) {
      return str("what came has ", part_.size(), " bytes, the server's file ", *size);
    }
    const auto promised = promised_digest();
    if (!promised) return "";
    const Digest digest = digest_of_file(part_.path(), promised->algorithm);
    if (digest == *promised) return "";
    return str("what came has the ", digest.algorithm, " ", digest.hex, ", the server's file ", promised->hex);
  }

  PartFile& part_;
  std::function<void(std::string_view)> take_;
  Transfer transfer_;
  bool has_gained_ = false;
  std::string mismatch_;
};

}  // namespace

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("file://") || is_hub_url(text);
}

bool fetch(const std::string& url, const fs::path& path, const FetchOptions& options, const std::stop_token& stop) {
  const std::optional<HubPath> file = is_hub_url(url) ? std::optional(parse_hub_url(url)) : std::nullopt;
  if (file && file->path.empty()) throw UsageError(str("\"", url, "\" names a repository, not a file in it"));
  const HttpRequest request = file ? download_request(*file) : HttpRequest{.url = url};
  PartFile part(path.string() + ".part");
  const bool is_whole = persist(url, "cannot download " + url, options, stop, [&] {
    Attempt attempt(request, part, stop);
    attempt.run();
    Attempted outcome = attempt.outcome();
    if (file && !outcome.is_done) outcome.problem += explain_answer(*file, request, attempt.transfer());
    return outcome;
  });
  if (is_whole) part.rename_to(path);
  return is_whole;
}

}  // namespace strata::io
