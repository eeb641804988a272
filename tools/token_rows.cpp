#include "token_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "strata/base/check.h"
#include "strata/io/json.h"

namespace strata::tools {

data::TokenRows read_token_rows(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) throw UsageError("there is no file " + file.string());
  const nlohmann::json root = io::read_json(file);
  STRATA_CHECK(root.is_array(), file.string(), ": is not a JSON array of rows");
  data::TokenRows rows;
  for (const auto& row : root) {
    STRATA_CHECK(row.is_array(), file.string(), ": row ", rows.size(), " is not an array");
    rows.emplace_back();
    for (const auto& id : row) {
      // An integer that does not fit into 64 bits would come out as another one.
      const bool fits = id.is_number_integer() && (!id.is_number_unsigned() || id.get<uint64_t>() <= INT64_MAX);
      STRATA_CHECK(fits, file.string(), ": row ", rows.size() - 1, ", position ", rows.back().size(), ": ", id.dump(),
                   " is not a whole number of 64 bits");
      rows.back().push_back(id.get<int64_t>());
    }
  }
  return rows;
}

data::TokenBatch read_batch(const std::string& ids, const std::string& labels, int64_t vocab) {
  const data::TokenRows id_rows = read_token_rows(ids);
  const data::TokenRows label_rows = labels.empty() ? id_rows : read_token_rows(labels);
  try {
    return data::TokenBatch::from_rows(id_rows, &label_rows, vocab);
  } catch (const Error& error) {
    throw Error(str(ids, labels.empty() ? "" : " with " + labels, ": ", error.what()));
  }
}

data::TokenRows random_rows(int64_t rows, int64_t longest, int64_t vocab, uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::uniform_int_distribution<int64_t> id(0, vocab - 1);
  std::uniform_int_distribution<int64_t> length((longest * 52 + 99) / 100, longest);
  data::TokenRows made(static_cast<size_t>(rows));
  for (auto& row : made) {
    row.resize(static_cast<size_t>(length(bits)));
    for (int64_t& token : row) token = id(bits);
  }
  return made;
}

}  // namespace strata::tools
