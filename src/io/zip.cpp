#include "strata/io/zip.h"

#include <zip.h>

#include <algorithm>

#include "strata/base/check.h"

namespace strata::io {
namespace {

std::string message_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  return message;
}

}  // namespace

struct ZipReader::Archive {
  std::unique_ptr<zip_t, void (*)(zip_t*)> handle{nullptr, zip_discard};
};

ZipReader::ZipReader(const std::filesystem::path& path) : path_(path), archive_(std::make_unique<Archive>()) {
  int failure = 0;
  archive_->handle.reset(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &failure));
  STRATA_CHECK(archive_->handle, path.string(), ": cannot read as a zip archive: ", message_of(failure));
  const zip_int64_t entries = zip_get_num_entries(archive_->handle.get(), 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    const char* name = zip_get_name(archive_->handle.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    STRATA_CHECK(name != nullptr, path.string(), ": entry ", i + 1, " has no name");
    if (!std::string_view(name).ends_with('/')) names_.emplace_back(name);
  }
}

ZipReader::~ZipReader() = default;
ZipReader::ZipReader(ZipReader&&) noexcept = default;
ZipReader& ZipReader::operator=(ZipReader&&) noexcept = default;

std::string ZipReader::read(const std::string& name, int64_t most_bytes) const {
  const std::string where = str(path_.string(), ": ", name, ": ");
  zip_t* archive = archive_->handle.get();
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(archive, name.c_str(), ZIP_FL_ENC_RAW),
                                                               zip_fclose);
  STRATA_CHECK(file, where, zip_strerror(archive));
  std::string content;
  std::string piece(64 * 1024, '\0');
  while (true) {
    const zip_int64_t count = zip_fread(file.get(), piece.data(), piece.size());
    STRATA_CHECK(count >= 0, where, zip_file_strerror(file.get()));
    if (count == 0) return content;
    content.append(piece, 0, static_cast<size_t>(count));
    STRATA_CHECK(std::ssize(content) <= most_bytes, where, "has more than the ", most_bytes, " bytes that it may have");
  }
}

}  // namespace strata::io
