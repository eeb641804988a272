// What becomes of a file of any kind that is text, compressed or not.
#include <simdjson.h>
#include <zlib.h>

#include <array>

#include "fuzz/target.h"
#include "strata/base/check.h"
#include "strata/data/source.h"

namespace strata::fuzz {
namespace {

constexpr std::array kNames{"a.jsonl", "a.csv", "a.tsv", "a.txt", "a.jsonl.gz", "a.csv.gz", "a.jsonl.zst", "a.tsv.zst"};
constexpr std::array kFields{"text", "a.b", "a.b.c", ""};
constexpr int64_t kLongest = 1 << 20;

struct Read {
  std::vector<std::string> documents = {};
  int64_t bad = 0;
  bool is_refused = false;
};

Read read(const std::string& name, const std::string& field, bool skip_bad) {
  data::DocumentReader reader({.name = name, .files = {name}},
                              {.field = field, .skip_bad = skip_bad, .longest_document = kLongest});
  Read read;
  try {
    for (std::string text; reader.next(text);) {
      expect(std::ssize(text) <= kLongest, "no document is longer than allowed");
      expect(simdjson::validate_utf8(text), "a document is UTF-8");
      read.documents.push_back(text);
    }
  } catch (const Error& refused) {
    expect(!skip_bad, "with skip_bad nothing is refused");
    expect(std::string_view(refused.what()).starts_with(name), "what is refused is named");
    read.is_refused = true;
  }
  read.bad = reader.bad_documents();
  return read;
}

std::string gzip(std::string text) {
  constexpr int kGzip = 15 + 16, kMemory = 8;
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

// An input is a byte for the file's name and the field, then the file.
void test_one(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input.front());
  const std::string name = kNames[choice % kNames.size()];
  const std::string field = kFields[choice / kNames.size() % kFields.size()];
  put_file(name, std::string(input.substr(1)));
  const Read strict = read(name, field, false);
  const Read lenient = read(name, field, true);
  expect(strict.is_refused == (lenient.bad > 0), "what stops a reader is what another one skips");
  expect(strict.documents.size() <= lenient.documents.size() &&
             std::equal(strict.documents.begin(), strict.documents.end(), lenient.documents.begin()),
         "documents before the first bad one are the same");
}

std::vector<std::string> seeds() {
  const std::string json = "{\"text\": \"one\", \"x\": [1, {\"y\": null}]}\n{\"text\": \"t\\u0077o\", \"n\": NaN}\n";
  return {std::string("\0", 1) + json,
          std::string("\0", 1) + "\xEF\xBB\xBF{\"text\": 1}\n\n{\"text\": \"a\", \"text\": \"b\"}",
          std::string("\x08") + "{\"a\": {\"b\": \"x\", \"n\": -NaN}, \"a.b\": \"y\"}\n{\"a\": 3}",
          std::string("\x10") + "{\"a\": {\"b.c\": \"x\", \"b\": {\"c\": \"z\"}}, \"a.b\": {\"c\": \"y\"}}",
          std::string("\1") + "id,text\n1,\"two\nlines\"\r\n2,\"say \"\"x\"\"\"\n3,\n",
          std::string("\2") + "text\tid\none\t1\n\"a\tb\"\t2\n3\n\"x\"y\t2\n",
          std::string("\3") + "plain\ntext\n",
          std::string("\4") + gzip(json),
          std::string("\6") + std::string("\x28\xB5\x2F\xFD\x00\x50\x89\0\0", 9) + "{\"text\": \"a\"}\n   ",
          std::string("\7") + std::string("\x50\x2A\x4D\x18\x02\0\0\0ab\x28\xB5\x2F\xFD\x00\x50\x31\0\0text\nx", 25)};
}

}  // namespace strata::fuzz
