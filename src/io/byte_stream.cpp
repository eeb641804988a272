#include "strata/io/byte_stream.h"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <string>

#include "raw_stream.h"
#include "strata/base/check.h"

namespace strata::io {
namespace {

constexpr size_t kChunk = 256 * 1024;

// Own inflate loop because gzread takes a damaged second member, and any garbage at the end, for the end of the file.
class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(const std::filesystem::path& path) : raw_(open_raw_stream(path)), input_(kChunk, '\0') {
    constexpr int kGzipWindow = 15 + 16;
    STRATA_CHECK(inflateInit2(&inflate_, kGzipWindow) == Z_OK, "zlib cannot start");
  }
  ~GzipStream() override { inflateEnd(&inflate_); }

  size_t read(char* out, size_t size) override {
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

 private:
  // False at a proper end: after at least one whole member.
  bool refill_input() {
    inflate_.avail_in = static_cast<uInt>(raw_->read(input_.data(), input_.size()));
    inflate_.next_in = reinterpret_cast<Bytef*>(input_.data());
    STRATA_CHECK(inflate_.avail_in > 0 || member_ended_, "truncated gzip: the file ends too early");
    return inflate_.avail_in > 0;
  }

  std::unique_ptr<ByteStream> raw_;
  std::string input_;
  z_stream inflate_{};
  bool member_ended_ = false;
};

// What a frame's window may be: the most that zstd --long=31 writes. Memory is taken for as much of it as is filled.
constexpr int kLongestWindow = 31;

std::string reason_of_zstd(size_t failure) {
  switch (ZSTD_getErrorCode(failure)) {
    case ZSTD_error_frameParameter_windowTooLarge:
      return str("zstd: its window is larger than 2^", kLongestWindow, " bytes, the most that is read");
    case ZSTD_error_dictionary_wrong:
      return "zstd: it was compressed with a dictionary, which is not there";
    default:
      return str("corrupt zstd: ", ZSTD_getErrorName(failure));
  }
}

class ZstdStream final : public ByteStream {
 public:
  explicit ZstdStream(const std::filesystem::path& path)
      : raw_(open_raw_stream(path)), context_(ZSTD_createDCtx(), ZSTD_freeDCtx), input_(kChunk, '\0') {
    STRATA_CHECK(context_, "zstd cannot start");
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kLongestWindow);
  }

  size_t read(char* out, size_t size) override {
    ZSTD_outBuffer output{out, size, 0};
    while (output.pos == 0) {
      if (in_.pos == in_.size && !has_more_ && !refill_input()) return 0;
      const size_t before = in_.pos;
      const size_t left = ZSTD_decompressStream(context_.get(), &output, &in_);
      STRATA_CHECK(ZSTD_isError(left) == 0U, reason_of_zstd(left));
      frame_ended_ = left == 0;
      has_more_ = !frame_ended_ && output.pos == output.size;  // what is left inside needs no input
      STRATA_CHECK(in_.pos > before || output.pos > 0 || in_.pos == in_.size, "corrupt zstd: it makes no progress");
    }
    return output.pos;
  }

 private:
  // False at a proper end: after at least one whole frame.
  bool refill_input() {
    in_ = {input_.data(), raw_->read(input_.data(), input_.size()), 0};
    STRATA_CHECK(in_.size > 0 || frame_ended_, "truncated zstd: the file ends too early");
    return in_.size > 0;
  }

  std::unique_ptr<ByteStream> raw_;
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_;
  std::string input_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool frame_ended_ = false;
  bool has_more_ = false;
};

enum class Compression { kNone, kGzip, kZstd };

Compression compression_of(const std::filesystem::path& path) {
  const std::filesystem::path ending = path.extension();
  if (ending == ".gz") return Compression::kGzip;
  return ending == ".zst" || ending == ".zstd" ? Compression::kZstd : Compression::kNone;
}

}  // namespace

std::unique_ptr<ByteStream> open_byte_stream(const std::filesystem::path& path) {
  switch (compression_of(path)) {
    case Compression::kGzip:
      return std::make_unique<GzipStream>(path);
    case Compression::kZstd:
      return std::make_unique<ZstdStream>(path);
    case Compression::kNone:
      break;
  }
  return open_raw_stream(path);
}

std::filesystem::path without_compression(std::filesystem::path path) {
  if (compression_of(path) != Compression::kNone) path.replace_extension();
  return path;
}

}  // namespace strata::io
