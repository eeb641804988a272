#include "strata/io/lines.h"

#include "strata/base/check.h"

namespace strata::io {
namespace {

constexpr size_t kReadAtATime = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(const std::filesystem::path& path, int64_t longest)
    : path_(path), longest_(static_cast<size_t>(longest)), stream_(open_byte_stream(path)) {}
LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

std::string LineReader::where() const { return str(path_.string(), ":", line_number_); }

void LineReader::check_length(size_t bytes) {
  if (bytes <= longest_) return;
  is_in_long_line_ = true;
  ++line_number_;
  throw LineTooLong(str(where(), ": is longer than ", longest_, " bytes"));
}

void LineReader::pass_over_rest() {
  size_t end = buffer_.find('\n', begin_);
  while (end == std::string::npos) {
    begin_ = buffer_.size();
    if (!refill()) break;
    end = buffer_.find('\n');
  }
  begin_ = end == std::string::npos ? buffer_.size() : end + 1;
  is_in_long_line_ = false;
}

bool LineReader::refill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t kept = buffer_.size();
  buffer_.resize(kept + kReadAtATime);
  try {
    buffer_.resize(kept + stream_->read(buffer_.data() + kept, kReadAtATime));
  } catch (const Error& error) {
    buffer_.resize(kept);
    throw Error(str(path_.string(), ":", line_number_ + 1, ": ", error.what()));
  }
  return buffer_.size() > kept;
}

bool LineReader::next(std::string& line) {
  if (is_in_long_line_) pass_over_rest();
  size_t searched = begin_;
  size_t end = buffer_.find('\n', searched);
  while (end == std::string::npos) {
    check_length(buffer_.size() - begin_);
    searched = buffer_.size() - begin_;  // refill moves what is left to the front
    if (!refill()) break;
    end = buffer_.find('\n', searched);
  }
  if (end == std::string::npos && begin_ == buffer_.size()) return false;
  const size_t stop = end == std::string::npos ? buffer_.size() : end;
  check_length(stop - begin_);
  line.assign(buffer_, begin_, stop - begin_);
  had_line_feed_ = end != std::string::npos;
  begin_ = had_line_feed_ ? end + 1 : stop;
  ++line_number_;
  if (line_number_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  return true;
}

}  // namespace strata::io
