#include "strata/train/checkpoint/save_group.h"

#include "strata/base/check.h"

namespace strata::train {

void SaveGroup::throw_if_failed(const std::string& failure) {
  if (!failure.empty()) throw Error(failure);
}

void SaveGroup::publish(const std::string& key, const std::string& value) const {
  if (store_) store_->set(str(number_, "/", key), value);
}

std::string SaveGroup::wait_for(const std::string& key) const {
  using Clock = std::chrono::steady_clock;
  constexpr workers::Store::Seconds kSlice{0.2};
  for (const auto start = Clock::now(); !*has_given_up_ && Clock::now() - start < timeout_;) {
    if (auto value = store_->wait_for(str(number_, "/", key), kSlice)) return *value;
  }
  STRATA_CHECK(!*has_given_up_, "given up while waiting for ", key);
  throw Error(str("waited ", timeout_.count(), " s for ", key, " of a checkpoint that workers share"));
}

Manifest SaveGroup::files_of_others() const {
  Manifest files;
  for (int rank = 1; rank < world_size_; ++rank) {
    const std::string value = wait_for(key_of(rank));
    STRATA_CHECK(!value.starts_with(kFailed), key_of(rank), ": ", value.substr(std::string_view(kFailed).size()));
    files.merge(parse_manifest(value, key_of(rank)));
  }
  return files;
}

}  // namespace strata::train
