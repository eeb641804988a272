#include "strata/io/lines.h"

#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "strata/base/check.h"

namespace strata::io {
namespace {

constexpr size_t kChunk = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

// Bytes of the file, decompressed where its name says so. Own inflate loop because gzread takes a damaged second
// member, and any garbage at the end, for the end of the file.
class LineReader::Stream {
 public:
  explicit Stream(const std::filesystem::path& path)
      : file_(std::fopen(path.c_str(), "rb"), std::fclose), gzip_(path.extension() == ".gz"), input_(kChunk, '\0') {
    STRATA_CHECK(file_, path.string(), ": cannot open: ", std::strerror(errno));
    // A folder opens, but cannot be read.
    STRATA_CHECK(!std::filesystem::is_directory(path), path.string(), ": is a folder, not a file");
    constexpr int kGzipWindow = 15 + 16;
    STRATA_CHECK(!gzip_ || inflateInit2(&inflate_, kGzipWindow) == Z_OK, "zlib cannot start");
  }
  ~Stream() {
    if (gzip_) inflateEnd(&inflate_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Up to `size` bytes; 0 only at the end. Throws what is wrong, without saying where.
  size_t read(char* out, size_t size) { return gzip_ ? read_gzip(out, size) : read_raw(out, size); }

 private:
  size_t read_raw(char* out, size_t size) {
    const size_t count = std::fread(out, 1, size, file_.get());
    STRATA_CHECK(count > 0 || !std::ferror(file_.get()), "cannot read: ", std::strerror(errno));
    return count;
  }

  size_t read_gzip(char* out, size_t size) {
    inflate_.next_out = reinterpret_cast<Bytef*>(out);
    inflate_.avail_out = static_cast<uInt>(size);
    while (inflate_.avail_out == size) {
      if (inflate_.avail_in == 0 && !refill_input()) return 0;
      if (member_ended_) {
        // Some tools fill the last block of a tape with noughts.
        for (; inflate_.avail_in > 0 && *inflate_.next_in == 0; --inflate_.avail_in) ++inflate_.next_in;
        if (inflate_.avail_in == 0) continue;
        inflateReset(&inflate_);
        member_ended_ = false;
      }
      const int status = inflate(&inflate_, Z_NO_FLUSH);
      STRATA_CHECK(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR,
                   "corrupt gzip: ", inflate_.msg ? inflate_.msg : "no reason given");
      if (status == Z_STREAM_END) member_ended_ = true;
    }
    return size - inflate_.avail_out;
  }

  /// False at a proper end: after at least one whole member.
  bool refill_input() {
    inflate_.avail_in = static_cast<uInt>(read_raw(input_.data(), input_.size()));
    inflate_.next_in = reinterpret_cast<Bytef*>(input_.data());
    STRATA_CHECK(inflate_.avail_in > 0 || member_ended_, "truncated gzip: the file ends too early");
    return inflate_.avail_in > 0;
  }

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  bool gzip_;
  std::string input_;
  z_stream inflate_{};
  bool member_ended_ = false;
};

LineReader::LineReader(const std::filesystem::path& path, int64_t longest)
    : path_(path), longest_(static_cast<size_t>(longest)), stream_(std::make_unique<Stream>(path)) {}
LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

std::string LineReader::where() const { return str(path_.string(), ":", line_number_); }

void LineReader::check_length(size_t bytes) const {
  STRATA_CHECK(bytes <= longest_, path_.string(), ":", line_number_ + 1, ": is longer than ", longest_, " bytes");
}

bool LineReader::refill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t kept = buffer_.size();
  buffer_.resize(kept + kChunk);
  try {
    buffer_.resize(kept + stream_->read(buffer_.data() + kept, kChunk));
  } catch (const Error& error) {
    buffer_.resize(kept);
    throw Error(str(path_.string(), ":", line_number_ + 1, ": ", error.what()));
  }
  return buffer_.size() > kept;
}

bool LineReader::next(std::string& line) {
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
