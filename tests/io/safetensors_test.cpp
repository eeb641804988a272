#include "strata/io/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

#include <cstring>

#include "strata/base/check.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string file_of(const std::string& header, const std::string& data, uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string file_of(const std::string& header, const std::string& data = "") {
  return file_of(header, data, header.size());
}

class RoundTrip : public testing::TestWithParam<at::ScalarType> {};

// Every dtype: the same values, shape and dtype come back, also from offsets that are odd for the dtype.
TEST_P(RoundTrip, KeepsTheTensors) {
  const test::TempFolder folder;
  const at::Tensor values = at::arange(6, at::kInt).remainder(2).to(GetParam()).reshape({2, 3});
  const NamedTensors written{{"one byte", at::full({1}, 7, at::kByte)},
                             {"matrix", values},
                             {"scalar", values[1][0].clone()},
                             {"empty", at::empty({0, 4}, GetParam())}};
  write_safetensors(folder / "t", written);
  const SafetensorsFile file = SafetensorsFile::open(folder / "t");
  for (const auto& [name, tensor] : written) {
    const at::Tensor read = file.tensor(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(read.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(read.equal(tensor)) << name;
  }
  EXPECT_EQ(file.names().size(), written.size());
}

INSTANTIATE_TEST_SUITE_P(Dtypes, RoundTrip,
                         testing::Values(at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt,
                                         at::kShort, at::kChar, at::kByte, at::kBool),
                         [](const auto& dtype) { return std::string(c10::toString(dtype.param)); });

// A file as the format's description has it, byte for byte; the header padded as other writers pad it.
TEST(Safetensors, ReadsAFileWrittenByHand) {
  const test::TempFolder folder;
  test::write_file(folder / "t", file_of(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},)"
                                         R"("a":{"dtype":"I16","shape":[],"data_offsets":[0,2]},)"
                                         R"("__metadata__":{"format":"pt"}}   )",
                                         std::string("\x05\x01\0\0\x80\x3f\0\0\0\xc0", 10)));
  const SafetensorsFile file = SafetensorsFile::open(folder / "t");
  EXPECT_THAT(file.names(), ElementsAre("a", "b"));
  EXPECT_EQ(file.tensor("a").item<int16_t>(), 261);
  EXPECT_EQ(file.tensor("b")[0].item<float>(), 1.0F);
  EXPECT_EQ(file.tensor("b")[1].item<float>(), -2.0F);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.info("b").end - file.info("b").begin, 8);
}

TEST(Safetensors, WritesWhatWouldBeWrittenByHand) {
  const test::TempFolder folder;
  write_safetensors(folder / "t", {{"b", at::full({1}, 1, at::kFloat)}, {"a", at::full({}, 2, at::kByte)}},
                    {{"k", "v"}});
  const std::string header = R"({"__metadata__":{"k":"v"},"a":{"data_offsets":[4,5],"dtype":"U8","shape":[]},)"
                             R"("b":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(test::read_file(folder / "t"), file_of(header + padding, std::string("\0\0\x80\x3f\x02", 5)));
}

TEST(Safetensors, ATensorOutlivesItsFile) {
  const test::TempFolder folder;
  const at::Tensor values = at::arange(1000, at::kLong);
  write_safetensors(folder / "t", {{"a", values}});
  at::Tensor read = SafetensorsFile::open(folder / "t").tensor("a");
  std::filesystem::remove(folder / "t");
  EXPECT_TRUE(read.equal(values));
}

TEST(Safetensors, AlignedDataIsNotCopied) {
  const test::TempFolder folder;
  write_safetensors(folder / "t", {{"a", at::arange(4, at::kLong)}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "t");
  EXPECT_EQ(file.tensor("a").const_data_ptr(), file.tensor("a").const_data_ptr());
}

TEST(Safetensors, AMissingTensorIsAnErrorThatTeaches) {
  const test::TempFolder folder;
  write_safetensors(folder / "t", {{"weight", at::arange(4)}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "t");
  EXPECT_FALSE(file.contains("wieght"));
  EXPECT_THAT([&] { file.tensor("wieght"); }, ThrowsMessage<Error>(HasSubstr("did you mean \"weight\"?")));
}

// A transposed matrix, or one with room between its rows, is written as what it looks like.
TEST(Safetensors, WritesViewsAsTheyLook) {
  const test::TempFolder folder;
  const at::Tensor matrix = at::arange(12, at::kFloat).reshape({3, 4});
  write_safetensors(folder / "t", {{"transposed", matrix.t()}, {"narrow", matrix.narrow(1, 1, 2)}});
  const SafetensorsFile file = SafetensorsFile::open(folder / "t");
  EXPECT_TRUE(at::equal(file.tensor("transposed"), matrix.t()));
  EXPECT_TRUE(at::equal(file.tensor("narrow"), matrix.narrow(1, 1, 2)));
}

TEST(Safetensors, RefusesTensorsThatItCannotWrite) {
  const test::TempFolder folder;
  const at::Tensor matrix = at::arange(6).reshape({2, 3});
  const auto writing = [&](const NamedTensors& tensors) { return [&] { write_safetensors(folder / "t", tensors); }; };
  EXPECT_THAT(writing({{"a", matrix.to(at::kComplexFloat)}}),
              ThrowsMessage<Error>(HasSubstr("no dtype for ComplexFloat")));
  EXPECT_THAT(writing({{"a", matrix}, {"a", matrix}}), ThrowsMessage<Error>(HasSubstr("\"a\": the name occurs twice")));
  EXPECT_THAT(writing({{"__metadata__", matrix}}), ThrowsMessage<Error>(HasSubstr("the format's own")));
  EXPECT_THAT(writing({{"\xff", matrix}}), ThrowsMessage<Error>(HasSubstr("not UTF-8")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, ABoolThatIsNeitherIsRefused) {
  const test::TempFolder folder;
  test::write_file(folder / "t", file_of(R"({"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", "\x02"));
  EXPECT_THAT([&] { SafetensorsFile::open(folder / "t").tensor("a"); },
              ThrowsMessage<Error>(HasSubstr("neither 0 nor 1")));
}

// Their strides are products of the other lengths.
TEST(Safetensors, EmptyTensorsMayBeLong) {
  const test::TempFolder folder;
  const std::string long_one = "{\"dtype\":\"F64\",\"shape\":[1152921504606846975,0],\"data_offsets\":[0,0]}";
  test::write_file(folder / "t", file_of("{\"a\":" + long_one + "}"));
  EXPECT_THAT(SafetensorsFile::open(folder / "t").tensor("a").sizes(), ElementsAre((int64_t{1} << 60) - 1, 0));
}

struct Malformed {
  std::string name;
  std::string bytes;
  std::string message;
};

// A file whose header has this one entry, "a", in front of `data`.
std::string one(const std::string& entry, const std::string& data = "") {
  return file_of("{\"a\":" + entry + "}", data);
}

// Two tensors of 4 bytes each with these offsets, in front of 8 bytes.
std::string two(const std::string& first, const std::string& second) {
  const std::string begin = R"({"dtype":"F32","shape":[1],"data_offsets":)";
  return file_of("{\"a\":" + begin + first + "},\"b\":" + begin + second + "}}", "12345678");
}

// ",1" so many times
std::string ones(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += ",1";
  return text;
}

std::vector<Malformed> malformed_headers() {
  return {
      {"Empty", "", "truncated: 0 bytes"},
      {"SevenBytes", "1234567", "truncated: 7 bytes"},
      {"HeaderLength2To60", file_of("{}", "", uint64_t{1} << 60), "a header of 1152921504606846976 bytes"},
      {"HeaderLength2To64", file_of("{}", "", ~uint64_t{0}), "a header of 18446744073709551615 bytes"},
      {"HeaderLongerThanAllowed", file_of("{}", "", 100'000'001), "a header of 100000001 bytes"},
      {"HeaderLongerThanFile", file_of("{}", "", 3), "truncated: a header of 3 bytes in a file of 10"},
      {"NoHeader", file_of(""), "does not begin with '{'"},
      {"NotJson", file_of("{'a'}"), "header:1: syntax error"},
      {"List", file_of("[]"), "does not begin with '{'"},
      {"HeaderCutOff", file_of(R"({"a":{)"), "header:1: syntax error"},
      {"NotUtf8", file_of("{\"\xff\":1}"), "ill-formed UTF-8"},
      {"NulBehindTheHeader", file_of(std::string("{}\0{", 4)), "header:1: a NUL byte"},
      {"MetadataNoObject", file_of(R"({"__metadata__":"x"})"), "__metadata__: not an object"},
      {"MetadataNoString", file_of(R"({"__metadata__":{"k":1}})"), "__metadata__: \"k\" is not a string"},
  };
}

std::vector<Malformed> malformed_tensors() {
  const std::string huge = "4611686018427387904";  // 2^62
  const std::string a = "tensor \"a\": ";
  const std::string good = R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  return {
      {"TensorTwice", file_of("{\"a\":" + good + ",\"a\":" + good + "}", "1234"), "the key \"a\" occurs twice"},
      {"KeyTwice", one(R"({"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]})", "1"),
       "the key \"dtype\" occurs twice"},
      {"EntryNoObject", one("[]"), a + "not an object"},
      {"NoDtype", one(R"({"shape":[0],"data_offsets":[0,0]})"), a + "no \"dtype\""},
      {"NoShape", one(R"({"dtype":"U8","data_offsets":[0,0]})"), a + "no \"shape\""},
      {"NoOffsets", one(R"({"dtype":"U8","shape":[0]})"), a + "no \"data_offsets\""},
      {"OtherKey", one(R"({"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1})"), a + "keys other than"},
      {"UnknownDtype", one(R"({"dtype":"F31","shape":[0],"data_offsets":[0,0]})"), a + "unknown dtype \"F31\""},
      {"DtypeNoString", one(R"({"dtype":32,"shape":[0],"data_offsets":[0,0]})"), a + "dtype 32 is not a string"},
      {"ShapeNoList", one(R"({"dtype":"U8","shape":4,"data_offsets":[0,4]})", "1234"), a + "shape 4 is not a list"},
      {"NegativeLength", one(R"({"dtype":"U8","shape":[-4],"data_offsets":[0,4]})", "1234"), a + "length -4"},
      {"FractionalLength", one(R"({"dtype":"U8","shape":[4.0],"data_offsets":[0,4]})", "1234"), a + "length 4.0"},
      {"ShapeOverflow", one(R"({"dtype":"U8","shape":[)" + huge + ",4],\"data_offsets\":[0,0]}"),
       a + "the shape overflows"},
      {"BytesOverflow", one(R"({"dtype":"F64","shape":[)" + huge + "],\"data_offsets\":[0,0]}"),
       a + "the shape overflows"},
      {"EmptyThatOverflows", one(R"({"dtype":"U8","shape":[0,)" + huge + ",4],\"data_offsets\":[0,0]}"),
       a + "the shape overflows"},
      {"Dimensions65", one(R"({"dtype":"U8","shape":[1)" + ones(64) + R"(],"data_offsets":[0,1]})", "1"),
       a + "65 dimensions (at most 64)"},
      {"OffsetsNestedDeep",
       one(R"({"dtype":"U8","shape":[0],"data_offsets":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') +
           "}"),
       "nested deeper than 100 levels"},
      {"OneOffset", one(R"({"dtype":"U8","shape":[0],"data_offsets":[0]})"), a + "data_offsets [0] are not two"},
      {"NegativeOffset", one(R"({"dtype":"U8","shape":[1],"data_offsets":[-1,0]})"), a + "offset -1"},
      {"ReversedOffsets", one(R"({"dtype":"U8","shape":[4],"data_offsets":[4,0]})", "1234"),
       a + "data_offsets [4,0] are reversed"},
      {"SizeUnlikeShape", one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", "1234"),
       a + "data_offsets [0,4] hold 4 bytes, dtype and shape need 8"},
      {"Truncated", one(good, "123"), a + "truncated: data_offsets [0,4] in 3 bytes"},
      {"TrailingBytes", one(good, "12345"), "1 bytes behind the last tensor"},
      {"BytesWithoutTensors", file_of("{}", "1"), "1 bytes behind the last tensor"},
      {"Overlap", two("[0,4]", "[2,6]"), "tensor \"b\": overlaps \"a\""},
      {"SameBytes", two("[0,4]", "[0,4]"), "tensor \"b\": overlaps \"a\""},
      {"HoleFirst", two("[4,8]", "[4,8]"), a + "a hole of 4 bytes"},
      {"HoleBetween",
       file_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
               R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
               "123"),
       "tensor \"b\": a hole of 1 bytes"},
  };
}

// One test for all: a process for each would take longer than everything else here.
TEST(Safetensors, MalformedFilesAreRefusedWithThePathAndTheReason) {
  const test::TempFolder folder;
  for (const auto& files : {malformed_headers(), malformed_tensors()}) {
    for (const Malformed& malformed : files) {
      SCOPED_TRACE(malformed.name);
      test::write_file(folder / "t", malformed.bytes);
      EXPECT_THAT([&] { SafetensorsFile::open(folder / "t"); },
                  ThrowsMessage<Error>(AllOf(HasSubstr((folder / "t").string()), HasSubstr(malformed.message))));
    }
  }
}

}  // namespace
}  // namespace strata::io
