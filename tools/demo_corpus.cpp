#include "demo_corpus.h"

#include <zlib.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "strata/base/check.h"
#include "strata/io/file.h"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCommand = "bible -f gen1:1-rev22:21 2>/dev/null";
constexpr size_t kChapters = 1189;

struct Chapter {
  std::string name;  // Ge1
  std::string text;
};

struct Verse {
  std::string_view chapter;
  std::string_view text;
};

// "Ge1:1 In the beginning ..."
std::optional<Verse> parse_verse(std::string_view line) {
  const size_t colon = line.find(':'), space = line.find(' ');
  if (colon == 0 || space == std::string_view::npos || colon > space) return std::nullopt;
  const std::string_view number = line.substr(colon + 1, space - colon - 1);
  const bool is_number = !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) return std::nullopt;
  return Verse{.chapter = line.substr(0, colon), .text = line.substr(space + 1)};
}

std::string printed_by(const char* command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command, "r"), pclose);
  STRATA_CHECK(pipe, "cannot start ", command);
  std::string text;
  char piece[1 << 16];
  for (size_t size = 0; (size = fread(piece, 1, sizeof piece, pipe.get())) > 0;) text.append(piece, size);
  return text;
}

std::vector<Chapter> chapters_in(std::string_view text) {
  std::vector<Chapter> chapters;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) continue;
    const auto verse = parse_verse(line);
    STRATA_CHECK(verse, "the demo's corpus: ", kCommand, " printed what is no verse: ", line.substr(0, 60));
    if (chapters.empty() || chapters.back().name != verse->chapter) {
      chapters.push_back({.name = std::string(verse->chapter), .text = std::string(verse->text)});
    } else {
      chapters.back().text.append("\n").append(verse->text);
    }
  }
  return chapters;
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  STRATA_CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK,
               "zlib cannot begin");
  std::string bytes(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  const bool ended = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  STRATA_CHECK(ended, "zlib cannot compress");
  return bytes;
}

}  // namespace

void make_demo_corpus(const fs::path& folder) {
  const std::string text = printed_by(kCommand);
  STRATA_CHECK(!text.empty(), "the demo's corpus: there is no program `bible`; scripts/install.sh --demo installs it ",
               "(Debian's package bible-kjv)");
  const std::vector<Chapter> chapters = chapters_in(text);
  STRATA_CHECK(chapters.size() == kChapters, "the demo's corpus: ", kCommand, " printed ", chapters.size(),
               " chapters where the King James Bible has ", kChapters);
  std::string train[2], validation;
  for (size_t index = 0, trained = 0; index < chapters.size(); ++index) {
    const nlohmann::json document{{"text", chapters[index].text}, {"url", "debian:bible-kjv/" + chapters[index].name}};
    (index % 20 == 10 ? validation : train[trained++ % 2]) += document.dump() + "\n";
  }
  fs::create_directories(folder);
  io::write_atomically(folder / "demo-train.00000-of-00002.json.gz", gzipped(train[0]));
  io::write_atomically(folder / "demo-train.00001-of-00002.json.gz", gzipped(train[1]));
  io::write_atomically(folder / "demo-validation.00000-of-00001.json.gz", gzipped(validation));
}

}  // namespace strata::tools
