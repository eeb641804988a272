#include "strata/io/json.h"

#include <chrono>
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

TEST(Json, ReadsEveryKindOfValue) {
  const auto value =
      parse_json(R"({"a": [null, true, -1, 18446744073709551615, 1.5, "x", [], {}], "b": {"c": 0}})", "s");
  EXPECT_EQ(value.dump(), R"({"a":[null,true,-1,18446744073709551615,1.5,"x",[],{}],"b":{"c":0}})");
  EXPECT_EQ(parse_json(" 7 ", "s"), 7);
}

// A header with an object for each of many tensors: minutes, if each cost a look at those before it.
TEST(Json, ReadsManyObjectsInLinearTime) {
  constexpr size_t kObjects = 300'000;
  std::string text = "[{}";
  for (size_t i = 1; i < kObjects; ++i) text += ",{}";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_json(text + "]", "s").size(), kObjects);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
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
