#include "strata/io/tensor_files.h"

#include <xxhash.h>

#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/file.h"

namespace strata::io {

TensorFiles::TensorFiles(const std::vector<std::filesystem::path>& files) : paths_(files) {
  STRATA_ASSERT(!files.empty());
  for (size_t index = 0; index < files.size(); ++index) {
    const SafetensorsFile& file = files_.emplace_back(SafetensorsFile::open(files[index]));
    for (const std::string& name : file.names()) {
      const auto [place, is_new] = places_.emplace(name, Place{index, name});
      STRATA_CHECK(is_new, files[index].string(), ": tensor \"", name, "\" is in ",
                   files[place->second.file].filename().string(), " too");
      names_.push_back(name);
    }
  }
}

TensorFiles TensorFiles::under(const std::map<std::string, std::string>& names) const {
  TensorFiles renamed = *this;
  renamed.places_.clear();
  renamed.names_.clear();
  for (const auto& [name, name_here] : names) {
    renamed.places_.emplace(name, place_of(name_here));
    renamed.names_.push_back(name);
  }
  return renamed;
}

const TensorFiles::Place& TensorFiles::place_of(const std::string& name) const {
  const auto found = places_.find(name);
  STRATA_CHECK(found != places_.end(), shown(), ": no tensor \"", name, "\"", did_you_mean(name, names_));
  return found->second;
}

const TensorInfo& TensorFiles::info(const std::string& name) const {
  const Place& place = place_of(name);
  return files_[place.file].info(place.name);
}

at::Tensor TensorFiles::tensor(const std::string& name) const {
  const Place& place = place_of(name);
  return files_[place.file].tensor(place.name);
}

const std::filesystem::path& TensorFiles::file_of(const std::string& name) const { return paths_[place_of(name).file]; }

std::string TensorFiles::shown() const {
  const std::string first = paths_.front().string();
  return paths_.size() == 1 ? first : str(first, " and ", paths_.size() - 1, " more");
}

uint64_t TensorFiles::checksum() const {
  std::vector<uint64_t> sums;
  for (const auto& path : paths_) sums.push_back(io::checksum(path));
  return sums.size() == 1 ? sums.front() : XXH3_64bits(sums.data(), sums.size() * sizeof(uint64_t));
}

void TensorFiles::release_pages() const {
  for (const SafetensorsFile& file : files_) file.release_pages();
}

}  // namespace strata::io
