#pragma once

#include <curl/curl.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "strata/io/fetch.h"

namespace strata::io {

struct HttpRequest {
  std::string url;
  /// A bearer token. It goes to the URL's own host (and port) alone, not where that redirects to.
  std::string token = {};
};

/// One request and its answer, redirections followed.
class Transfer {
 public:
  static constexpr long kOk = 200;
  static constexpr long kPartialContent = 206;
  static constexpr long kRangeNotSatisfiable = 416;

  /// `take` gets the body of an answer that is one, piece by piece, not the text of an error page. All three arguments
  /// must outlive this.
  Transfer(const HttpRequest& request, const std::function<void(std::string_view)>& take, const std::stop_token& stop);

  /// To be asked for before perform().
  void ask_from(curl_off_t first_byte, const std::string& etag);

  /// Throws what `take` throws.
  void perform();

  long status() const { return status_; }  // 0 while there is no answer, and for what is no HTTP
  /// Whether an answer came to its end.
  bool is_complete() const { return result_ == CURLE_OK && is_answer(); }
  bool is_worth_another() const;
  /// How long the server wants nothing to be asked.
  std::chrono::milliseconds server_wait() const;
  std::string problem() const;

  /// A field of the last answer.
  std::optional<std::string> header(const char* name) const;
  /// The same of the first answer that has it: of those that redirect too.
  std::optional<std::string> linked_header(const char* name) const;

 private:
  void set_options();
  bool is_answer() const { return status_ == 0 || status_ == kOk || status_ == kPartialContent; }
  std::optional<std::string> header_of(const char* name, int answer) const;
  static size_t on_body(const char* data, size_t, size_t size, Transfer* self);
  static int on_progress(const Transfer* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  const HttpRequest& request_;
  const std::function<void(std::string_view)>& take_;
  const std::stop_token& stop_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers_;
  CURLcode result_ = CURLE_OK;
  long status_ = 0;
  std::exception_ptr failure_;
  char message_[CURL_ERROR_SIZE] = {};
};

/// How an attempt at something went that is tried again.
struct Attempted {
  bool is_done = false;
  bool has_gained = false;  // some of it came, and stays
  bool is_wrong = false;    // what came is not what the server says; nothing of it stays
  bool is_worth_another = true;
  std::chrono::milliseconds server_wait{0};
  std::string problem = {};
};

/// Makes attempts, with pauses between them that are logged, until one is done; false if `stop` came first. Throws
/// Error "<what>: <problem>" where no other is worth it or there were `options.attempts` without anything gained.
/// `url`: begins what is logged.
bool persist(const std::string& url, const std::string& what, const FetchOptions& options, const std::stop_token& stop,
             const std::function<Attempted()>& attempt);

}  // namespace strata::io
