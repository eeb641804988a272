#include "strata/io/json.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

auto refused(const std::string& message) { return ThrowsMessage<Error>(HasSubstr(message)); }

TEST(Json, WhatIsWrittenIsReadBack) {
  const test::TempFolder folder;
  const nlohmann::json value{{"a", {1, 2.5, nullptr}}, {"b", {{"a", "ä"}}}};
  write_json(folder / "v.json", value);
  EXPECT_EQ(read_json(folder / "v.json"), value);
}

TEST(Json, ErrorsNameThePathAndTheLine) {
  const test::TempFolder folder;
  test::write_file(folder / "v.json", "{\n \"a\": 1,\n \"b\" 2\n}");
  EXPECT_THAT([&] { read_json(folder / "v.json"); },
              ThrowsMessage<Error>(StartsWith((folder / "v.json").string() + ":3: syntax error")));
}

TEST(Json, RefusesAKeyTwiceInOneObjectOnly) {
  EXPECT_THAT([] { parse_json("{\"x\": {\"a\": 1,\n\"b\": {\"a\": 2},\n\"a\": 3}}", "s"); },
              refused("s:3: the key \"a\" occurs twice"));
  EXPECT_EQ(parse_json(R"([{"a": 1}, {"a": {"a": 2}}])", "s")[1]["a"]["a"], 2);
}

TEST(Json, RefusesWhatIsNotJson) {
  EXPECT_THAT([] { parse_json("", "s"); }, refused("s:1: "));
  EXPECT_THAT([] { parse_json("1 2", "s"); }, refused("s:1: "));
  EXPECT_THAT([] { parse_json("[1,]", "s"); }, refused("s:1: "));
  EXPECT_THAT([] { parse_json("\"\xff\"", "s"); }, refused("ill-formed UTF-8"));
  EXPECT_THAT([] { parse_json("[\n1e999]", "s"); }, refused("s:2: number overflow"));
}

// nlohmann takes a NUL for the end of the text.
TEST(Json, RefusesANulByte) {
  EXPECT_THAT([] { parse_json({"{}\0{", 4}, "s"); }, refused("s:1: a NUL byte"));
  EXPECT_THAT([] { parse_json({"[1]\n\0", 5}, "s"); }, refused("s:2: a NUL byte"));
}

// What works on a value level by level, such as dump(), must not run out of stack.
TEST(Json, RefusesDeepNesting) {
  const auto nested = [](size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_EQ(parse_json(nested(100), "s").dump(), nested(100));
  EXPECT_THAT([&] { parse_json(nested(101), "s"); }, refused("s:1: nested deeper than 100 levels"));
  EXPECT_THAT([&] { parse_json("{\"a\":\n" + nested(1'000'000) + "}", "s"); }, refused("s:2: nested deeper"));
}

TEST(Json, TextThatIsNotUtf8IsNotWritten) {
  const test::TempFolder folder;
  EXPECT_THAT([&] { write_json(folder / "v.json", "\xff"); }, refused("v.json: invalid UTF-8"));
  EXPECT_FALSE(std::filesystem::exists(folder / "v.json"));
}

}  // namespace
}  // namespace strata::io
