#include "eval/subject_files.h"

#include <simdjson.h>

#include <map>

#include "strata/base/check.h"
#include "strata/io/file.h"
#include "strata/io/zip.h"

namespace strata::eval {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostBytes = 256'000'000;  // of all files unpacked; MMLU's are 7,000,000
constexpr const char* kSplits[] = {"test", "dev"};

struct Text {
  std::string source, content;
};
using Texts = std::map<std::string, Text>;  // by "test/NAME_test.csv", "dev/NAME_dev.csv"

// "data/test/astronomy_test.csv" -> "test/astronomy_test.csv"; empty for other files.
std::string key_of(const fs::path& path) {
  const std::string split = path.parent_path().filename(), file = path.filename();
  const bool is_split = std::ranges::find(kSplits, split) != std::end(kSplits);
  const bool is_subject = file.ends_with("_" + split + ".csv") && !file.starts_with('.');
  return is_split && is_subject ? split + "/" + file : "";
}

Texts read_archive(const fs::path& path) {
  const io::ZipReader archive(path);
  Texts texts;
  int64_t bytes_left = kMostBytes;
  for (const std::string& name : archive.names()) {
    const std::string key = key_of(name);
    if (key.empty()) continue;
    const Text text{path.string() + ": " + name, archive.read(name, bytes_left)};
    bytes_left -= std::ssize(text.content);
    STRATA_CHECK(texts.emplace(key, text).second, text.source, ": another file of the archive is called so too");
  }
  return texts;
}

Texts read_folder(const fs::path& path) {
  Texts texts;
  for (const char* split : kSplits) {
    const fs::path inside = path / split;
    STRATA_CHECK(fs::is_directory(inside), inside.string(), ": no such folder");
    for (const auto& entry : fs::directory_iterator(inside)) {
      const std::string key = key_of(entry.path());
      if (!key.empty()) texts.emplace(key, Text{entry.path().string(), io::read_text(entry.path())});
    }
  }
  return texts;
}

Table table_of(const Text& text) {
  STRATA_CHECK(simdjson::validate_utf8(text.content), text.source, ": is not UTF-8");
  Table table{.source = text.source, .rows = io::parse_csv(text.content, text.source)};
  STRATA_CHECK(!table.rows.empty(), text.source, ": holds no items");
  return table;
}

std::vector<Subject> subjects_of(const Texts& texts, const std::string& source) {
  constexpr std::string_view kBegin = "test/", kEnd = "_test.csv";
  std::vector<Subject> subjects;
  for (const auto& [key, test] : texts) {
    if (!key.starts_with(kBegin)) continue;
    const std::string name = key.substr(kBegin.size(), key.size() - kBegin.size() - kEnd.size());
    const auto dev = texts.find("dev/" + name + "_dev.csv");
    STRATA_CHECK(dev != texts.end(), source, ": has ", key, ", but not dev/", name, "_dev.csv");
    subjects.push_back({.name = name, .test = table_of(test), .dev = table_of(dev->second)});
  }
  STRATA_CHECK(!subjects.empty(), source, ": has no file test/SUBJECT_test.csv");
  return subjects;
}

}  // namespace

std::vector<Subject> read_subjects(const fs::path& folder) {
  const fs::path unpacked = folder / "mmlu", archive = folder / "mmlu.zip";
  if (fs::is_directory(unpacked)) {
    const fs::path data = fs::is_directory(unpacked / "data") ? unpacked / "data" : unpacked;
    return subjects_of(read_folder(data), data.string());
  }
  STRATA_CHECK(fs::exists(archive), archive.string(), ": no such file (nor a folder mmlu beside it)");
  return subjects_of(read_archive(archive), archive.string());
}

}  // namespace strata::eval
