#include "http.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

#include "strata/base/check.h"
#include "strata/base/log.h"

namespace strata::io {
namespace {

using std::chrono::milliseconds;

constexpr long kRequestTimeout = 408;
constexpr long kTooManyRequests = 429;

constexpr int kLastAnswer = -1;  // of a chain of redirections, for curl_easy_header

// Of `"api";r=0;t=120`, as Hugging Face says that a quota comes back: the seconds.
curl_off_t seconds_of_rate_limit(std::string_view field) {
  constexpr std::string_view kTime = ";t=";
  const size_t mark = field.find(kTime);
  curl_off_t seconds = 0;
  if (mark == std::string_view::npos) return seconds;
  std::from_chars(field.data() + mark + kTime.size(), field.data() + field.size(), seconds);
  return std::max<curl_off_t>(seconds, 0);
}

void sleep_unless_stopped(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

Transfer::Transfer(const HttpRequest& request, const std::function<void(std::string_view)>& take,
                   const std::stop_token& stop)
    : request_(request),
      take_(take),
      stop_(stop),
      curl_(curl_easy_init(), curl_easy_cleanup),
      headers_(nullptr, curl_slist_free_all) {
  STRATA_CHECK(curl_, "libcurl cannot start");
  set_options();
}

void Transfer::set_options() {
  CURL* curl = curl_.get();
  curl_easy_setopt(curl, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes per second, for so many seconds
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message_);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  if (request_.token.empty()) return;
  curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
  curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request_.token.c_str());
  curl_easy_setopt(curl, CURLOPT_UNRESTRICTED_AUTH, 0L);  // not to another host
}

void Transfer::ask_from(curl_off_t first_byte, const std::string& etag) {
  // Not CURLOPT_RESUME_FROM: with it libcurl takes a server that sends the whole file for an error.
  curl_easy_setopt(curl_.get(), CURLOPT_RANGE, str(first_byte, "-").c_str());
  headers_.reset(curl_slist_append(headers_.release(), ("If-Range: " + etag).c_str()));
  curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, headers_.get());
}

void Transfer::perform() {
  result_ = curl_easy_perform(curl_.get());
  if (failure_) std::rethrow_exception(failure_);
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status_);
}

// No exception may pass through libcurl.
size_t Transfer::on_body(const char* data, size_t, size_t size, Transfer* self) {
  try {
    curl_easy_getinfo(self->curl_.get(), CURLINFO_RESPONSE_CODE, &self->status_);
    if (self->is_answer()) self->take_({data, size});
    return size;
  } catch (...) {
    self->failure_ = std::current_exception();
    return 0;
  }
}

int Transfer::on_progress(const Transfer* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return self->stop_.stop_requested() ? 1 : 0;
}

bool Transfer::is_worth_another() const {
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

milliseconds Transfer::server_wait() const {
  constexpr curl_off_t kLongest = 600;
  curl_off_t seconds = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &seconds);
  const auto limit = status_ == kTooManyRequests && !header("Retry-After") ? header("RateLimit") : std::nullopt;
  if (limit) seconds = seconds_of_rate_limit(*limit);
  return std::chrono::seconds(std::min(seconds, kLongest));
}

std::string Transfer::problem() const {
  if (!is_answer()) return str("the server answered ", status_);
  return message_[0] != '\0' ? message_ : curl_easy_strerror(result_);
}

std::optional<std::string> Transfer::header_of(const char* name, int answer) const {
  curl_header* found = nullptr;
  if (curl_easy_header(curl_.get(), name, 0, CURLH_HEADER, answer, &found) != CURLHE_OK) return std::nullopt;
  return found->value;
}

std::optional<std::string> Transfer::header(const char* name) const { return header_of(name, kLastAnswer); }

std::optional<std::string> Transfer::linked_header(const char* name) const {
  long redirections = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_REDIRECT_COUNT, &redirections);
  for (int answer = 0; answer <= redirections; ++answer) {
    if (auto value = header_of(name, answer)) return value;
  }
  return std::nullopt;
}

bool persist(const std::string& url, const std::string& what, const FetchOptions& options, const std::stop_token& stop,
             const std::function<Attempted()>& attempt) {
  constexpr milliseconds kLongestWait{60'000};
  milliseconds wait = options.first_wait;
  int wrong = 0;
  for (int count = 1; !stop.stop_requested(); ++count) {
    const Attempted tried = attempt();
    if (tried.is_done) return true;
    if (stop.stop_requested()) break;
    if (tried.has_gained) {
      count = 1;
      wait = options.first_wait;
    }
    if (tried.is_wrong) count = ++wrong;  // what it gained in between is lost again
    const bool tries_again = tried.is_worth_another && count < options.attempts;
    const std::string after = count > 1 ? str(" (after ", count, " attempts)") : "";
    STRATA_CHECK(tries_again, what, ": ", tried.problem, after);
    const milliseconds pause = std::max(wait, tried.server_wait);
    log::warn(str(url, ": ", tried.problem, "; again in ", static_cast<double>(pause.count()) / 1000, " s"));
    sleep_unless_stopped(pause, stop);
    wait = std::min(2 * wait, kLongestWait);
  }
  return false;
}

}  // namespace strata::io
