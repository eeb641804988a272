// MMLU's files: a CSV for each subject and split, in an archive or unpacked.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "strata/io/csv.h"

namespace strata::eval {

struct Table {
  std::string source;  // as messages name it
  std::vector<io::CsvRow> rows;
};

/// test/NAME_test.csv and dev/NAME_dev.csv
struct Subject {
  std::string name;
  Table test, dev;
};

/// All subjects by name, from the folder FOLDER/mmlu (in it or in its data/) if it is there, else from FOLDER/mmlu.zip.
/// Throws Error, naming the file, for what is missing, unreadable, no UTF-8, without rows, or absurdly large.
std::vector<Subject> read_subjects(const std::filesystem::path& folder);

}  // namespace strata::eval
