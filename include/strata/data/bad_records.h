#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::data {

/// What becomes of records that cannot be read: data.skip_bad.
class BadRecords {
 public:
  /// name: of the files, for people.
  BadRecords(std::string name, bool skip) : name_(std::move(name)), skip_(skip) {}

  /// A record that is not what it should be. Counts it, and logs the first few as warnings; throws Error unless such
  /// records are skipped.
  void add(const std::string& what);

  /// A file, or a part of one, that cannot be read from some place on, where such records are skipped. Counts as many
  /// as are lost, one where nobody knows, and always warns.
  void add_rest(const std::string& what, std::string_view part = "file", int64_t lost = 1);

  int64_t count() const { return count_; }

 private:
  std::string name_;
  bool skip_;
  int64_t count_ = 0;
};

}  // namespace strata::data
