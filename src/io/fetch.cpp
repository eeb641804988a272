#include "strata/io/fetch.h"

#include <curl/curl.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/io/digest.h"
#include "strata/io/file.h"

namespace strata::io {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr long kOk = 200;
constexpr long kPartialContent = 206;
constexpr long kRequestTimeout = 408;
constexpr long kRangeNotSatisfiable = 416;
constexpr long kTooManyRequests = 429;

constexpr int kLastAnswer = -1;  // of a chain of redirections, for curl_easy_header

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
  Attempt(const std::string& url, PartFile& part, const std::stop_token& stop)
      : url_(url), part_(part), stop_(stop), curl_(curl_easy_init(), curl_easy_cleanup) {
    STRATA_CHECK(curl_, "libcurl cannot start");
  }

  /// Throws Error if what comes cannot be written.
  void run() {
    set_options();
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr, curl_slist_free_all);
    if (part_.can_go_on()) {
      // Not CURLOPT_RESUME_FROM: with it libcurl takes a server that sends the whole file for an error.
      curl_easy_setopt(curl_.get(), CURLOPT_RANGE, str(part_.size(), "-").c_str());
      headers.reset(curl_slist_append(nullptr, ("If-Range: " + part_.etag()).c_str()));
      curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, headers.get());
    }
    result_ = curl_easy_perform(curl_.get());
    if (failure_) std::rethrow_exception(failure_);
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status_);
    if (status_ == kRangeNotSatisfiable) part_.discard();  // it is no part of the server's file
    if (result_ != CURLE_OK || !is_file()) return;
    if (!has_gained_) part_.open(status_ == kPartialContent, "");  // an empty file, or nothing was missing
    part_.close();
    mismatch_ = mismatch();
    if (!mismatch_.empty()) part_.discard();
  }

  bool is_whole() const { return result_ == CURLE_OK && is_file() && !is_wrong(); }
  bool is_wrong() const { return !mismatch_.empty(); }  // whole, but not what the server said it is
  bool has_gained() const { return has_gained_ && !is_wrong(); }

  bool is_worth_another() const {
    switch (result_) {
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL:
      case CURLE_FILE_COULDNT_READ_FILE:
      case CURLE_PEER_FAILED_VERIFICATION:
        return false;
      default:
        break;
    }
    const bool is_ours_to_mend = status_ >= 400 && status_ < 500;
    return !is_ours_to_mend || status_ == kRequestTimeout || status_ == kTooManyRequests ||
           status_ == kRangeNotSatisfiable;
  }

  milliseconds server_wait() const {
    curl_off_t seconds = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &seconds);
    constexpr curl_off_t kLongest = 600;
    return std::chrono::seconds(std::min(seconds, kLongest));
  }

  std::string problem() const {
    if (!is_file()) return str("the server answered ", status_);
    if (is_wrong()) return mismatch_;
    return message_[0] != '\0' ? message_ : curl_easy_strerror(result_);
  }

 private:
  void set_options() {
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes per second, for so many seconds
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message_);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Attempt::on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Attempt::on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  }

  bool is_file() const { return status_ == 0 || status_ == kOk || status_ == kPartialContent; }  // 0: no HTTP

  // No exception may pass through libcurl.
  static size_t on_body(const char* data, size_t, size_t size, Attempt* self) {
    try {
      self->take({data, size});
      return size;
    } catch (...) {
      self->failure_ = std::current_exception();
      return 0;
    }
  }

  static int on_progress(const Attempt* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return self->stop_.stop_requested() ? 1 : 0;
  }

  void take(std::string_view bytes) {
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status_);
    if (!is_file()) return;  // the text of an error page
    if (!has_gained_) part_.open(status_ == kPartialContent, header("ETag").value_or(""));
    part_.write(bytes);
    has_gained_ = true;
  }

  // `answer`: 0 for the first of a chain of redirections.
  std::optional<std::string> header(const char* name, int answer = kLastAnswer) const {
    curl_header* found = nullptr;
    if (curl_easy_header(curl_.get(), name, 0, CURLH_HEADER, answer, &found) != CURLHE_OK) return std::nullopt;
    return found->value;
  }

  // Hugging Face describes a file on the answer that redirects to it.
  std::optional<std::string> linked_header(const char* name) const {
    long redirections = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_REDIRECT_COUNT, &redirections);
    for (int answer = 0; answer <= redirections; ++answer) {
      if (auto value = header(name, answer)) return value;
    }
    return std::nullopt;
  }

  std::optional<Digest> promised_digest() const {
    constexpr const char* kLinked = "X-Linked-ETag";
    if (const auto value = linked_header(kLinked)) {
      if (auto digest = parse_digest(kLinked, *value)) return digest;
    }
    for (const char* field : {"Repr-Digest", "Digest", "Content-MD5"}) {
      // A Content-MD5 beside a part of a file is the part's.
      if (status_ == kPartialContent && field == std::string_view("Content-MD5")) continue;
      const auto value = header(field);
      if (auto digest = value ? parse_digest(field, *value) : std::nullopt) return digest;
    }
    return std::nullopt;
  }

  // How the file differs from what the server says about it; empty where it does not.
  std::string mismatch() const {
    const auto size = linked_header("X-Linked-Size");
    if (size && *size != std::to_string(part_.size())) {
      return str("what came has ", part_.size(), " bytes, the server's file ", *size);
    }
    const auto promised = promised_digest();
    if (!promised) return "";
    const Digest digest = digest_of_file(part_.path(), promised->algorithm);
    if (digest == *promised) return "";
    return str("what came has the ", digest.algorithm, " ", digest.hex, ", the server's file ", promised->hex);
  }

  const std::string& url_;
  PartFile& part_;
  const std::stop_token& stop_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
  CURLcode result_ = CURLE_OK;
  long status_ = 0;
  bool has_gained_ = false;
  std::string mismatch_;
  std::exception_ptr failure_;
  char message_[CURL_ERROR_SIZE] = {};
};

void sleep_unless_stopped(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("file://");
}

bool fetch(const std::string& url, const fs::path& path, const FetchOptions& options, const std::stop_token& stop) {
  constexpr milliseconds kLongestWait{60'000};
  PartFile part(path.string() + ".part");
  milliseconds wait = options.first_wait;
  int wrong = 0;
  for (int attempt = 1; !stop.stop_requested(); ++attempt) {
    Attempt request(url, part, stop);
    request.run();
    if (request.is_whole()) {
      part.rename_to(path);
      return true;
    }
    if (stop.stop_requested()) break;
    if (request.has_gained()) {
      attempt = 1;
      wait = options.first_wait;
    }
    if (request.is_wrong()) attempt = ++wrong;  // what it gained in between is lost again
    const bool tries_again = request.is_worth_another() && attempt < options.attempts;
    const std::string after = attempt > 1 ? str(" (after ", attempt, " attempts)") : "";
    STRATA_CHECK(tries_again, "cannot download ", url, ": ", request.problem(), after);
    const milliseconds pause = std::max(wait, request.server_wait());
    log::warn(str(url, ": ", request.problem(), "; again in ", static_cast<double>(pause.count()) / 1000, " s"));
    sleep_unless_stopped(pause, stop);
    wait = std::min(2 * wait, kLongestWait);
  }
  return false;
}

}  // namespace strata::io
