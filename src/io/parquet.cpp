// libstrata_parquet.so (src/io/parquet), opened so that Arrow is needed where parquet files are read, and nowhere else.
#include "strata/io/parquet.h"

#include <bit>

#include "strata/base/check.h"
#include "strata/base/shared_module.h"

namespace strata::io {
namespace {

using Open = ParquetTexts* (*)(const std::filesystem::path&, const std::string&);

const Module kModule{.library = "libstrata_parquet.so",
                     .option = "--parquet",
                     .build = "parquet: on",
                     .libraries = "pip install pyarrow==26.0.1 brings Arrow's libraries"};

ModuleFunction open_function() { return open_module(kModule, "strata_open_parquet"); }

}  // namespace

std::string missing_for_parquet() { return open_function().problem; }

std::unique_ptr<ParquetTexts> open_parquet_texts(const std::filesystem::path& path, const std::string& column) {
  const ModuleFunction open = open_function();
  STRATA_CHECK(open.function != nullptr, path.string(), ": parquet cannot be read: ", open.problem);
  return std::unique_ptr<ParquetTexts>(std::bit_cast<Open>(open.function)(path, column));
}

}  // namespace strata::io
