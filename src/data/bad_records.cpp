#include "strata/data/bad_records.h"

#include "strata/base/check.h"
#include "strata/base/log.h"

namespace strata::data {

void BadRecords::add(const std::string& what) {
  constexpr int64_t kLogged = 5;
  STRATA_CHECK(skip_, what, " (data.skip_bad: true skips what cannot be read)");
  ++count_;
  if (count_ <= kLogged) log::warn(what + "; skipped");
  if (count_ == kLogged) log::warn(name_ + ": further bad records are only counted");
}

void BadRecords::add_rest(const std::string& what, std::string_view part, int64_t lost) {
  STRATA_ASSERT(skip_);
  count_ += lost;
  log::warn(str(what, "; from there on the ", part, " is skipped"));
}

}  // namespace strata::data
