#include <ATen/ops/zeros.h>
#include <simdjson.h>

#include <array>
#include <cstring>

#include "fuzz/target.h"
#include "io/safetensors_format.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/io/safetensors.h"

namespace strata::fuzz {
namespace {

using io::SafetensorsFile;

constexpr char kEndOfHeader = '\xff';  // never in UTF-8

std::string with_length(std::string_view header, std::string_view data) {
  const uint64_t length = header.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  return file.append(header).append(data);
}

// A header, \xff, the data: the length before the header is nothing that chance finds.
std::string file_of_parts(std::string_view input) {
  const std::string_view header = input.substr(0, input.find(kEndOfHeader));
  return with_length(header, input.substr(std::min(input.size(), header.size() + 1)));
}

// A byte for each tensor's dtype and number of dimensions, a byte for each length: offsets that fit the shapes.
std::string file_of_choices(std::string_view input) {
  constexpr std::array<uint64_t, 8> kLengths{0, 1, 2, 3, 7, 1UL << 31, 1UL << 62, ~0UL >> 1};
  const auto next = [&] {
    const auto choice = input.empty() ? 0 : static_cast<unsigned char>(input.front());
    input.remove_prefix(input.empty() ? 0 : 1);
    return choice;
  };
  std::string header = "{";
  uint64_t begin = 0;
  for (int number = 0; !input.empty(); ++number) {
    const int choice = next();
    const auto& [name, dtype] = io::kDtypes[choice % io::kDtypes.size()];
    std::vector<std::string> shape;
    uint64_t bytes = c10::elementSize(dtype);
    for (size_t d = 0; d < choice / io::kDtypes.size(); ++d) {
      const uint64_t length = kLengths[next() % kLengths.size()];
      shape.push_back(std::to_string(length));
      bytes *= length;
    }
    header += str(number == 0 ? "" : ",", "\"", number, "\":{\"dtype\":\"", name, "\",\"shape\":[", join(shape, ","),
                  "],\"data_offsets\":[", begin, ",", begin + bytes, "]}");
    begin += bytes;
  }
  constexpr uint64_t kMostData = 1 << 12;
  return with_length(header + "}", std::string(std::min(begin, kMostData), '\1'));
}

// An input is a byte that says how to make a file of the others.
std::string file_of(std::string_view input) {
  if (input.empty()) return "";
  const std::string_view others = input.substr(1);
  switch (input.front() % 3) {
    case 0:
      return std::string(others);
    case 1:
      return file_of_parts(others);
    default:
      return file_of_choices(others);
  }
}

bool is_json(std::string_view text) {
  simdjson::dom::parser parser;
  return parser.parse(text.data(), text.size()).error() == simdjson::SUCCESS;
}

std::string_view bytes_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

// Every tensor is what its entry says, down to the last byte.
io::NamedTensors tensors_of(const SafetensorsFile& file, std::string_view bytes) {
  io::NamedTensors tensors;
  for (const std::string& name : file.names()) {
    const io::TensorInfo& info = file.info(name);
    const at::Tensor tensor = file.tensor(name);
    expect(tensor.sizes() == info.shape && tensor.scalar_type() == info.dtype, "a tensor is as its entry says");
    expect(bytes_of(tensor) == bytes.substr(info.begin, info.end - info.begin), "a tensor has the file's bytes");
    tensors.emplace_back(name, tensor);
  }
  return tensors;
}

}  // namespace

void test_one(std::string_view input) {
  const std::string bytes = file_of(input);
  put_file("read", bytes);
  const SafetensorsFile read = SafetensorsFile::open("read");
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  expect(is_json(std::string_view(bytes).substr(sizeof header, header)), "the header is JSON to another parser too");
  const io::NamedTensors tensors = tensors_of(read, bytes);

  io::write_safetensors("written", tensors, read.metadata());
  const SafetensorsFile again = SafetensorsFile::open("written");
  expect(again.names() == read.names() && again.metadata() == read.metadata(), "names and metadata can be written");
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor other = again.tensor(name);
    expect(other.sizes() == tensor.sizes() && other.scalar_type() == tensor.scalar_type() &&
               bytes_of(other) == bytes_of(tensor),
           "a tensor can be written");
  }
}

std::vector<std::string> seeds() {
  const auto one = [](const std::string& dtype, const std::string& shape, size_t size) {
    return str("\1{\"a\":{\"dtype\":\"", dtype, "\",\"shape\":", shape, ",\"data_offsets\":[0,", size, "]}}",
               kEndOfHeader, std::string(size, '\1'));
  };
  std::vector<std::string> inputs{one("U8", "[4]", 4),
                                  one("BF16", "[1,2]", 4),
                                  one("I32", "[]", 4),
                                  one("BOOL", "[0,1,1]", 0),
                                  one("F64", "[2]", 16),
                                  one("I8", "[1]", 1),
                                  one("U8", "[0,4611686018427387904]", 0)};
  io::write_safetensors("seed",
                        {{"weight", at::zeros({2, 3}, at::kFloat)},
                         {"scalar", at::zeros({}, at::kHalf)},
                         {"is_odd", at::zeros({3}, at::kBool)},
                         {"none", at::zeros({0, 4}, at::kLong)},
                         {"unaligned", at::zeros({1, 1}, at::kDouble)}},
                        {{"format", "pt"}});
  std::string file = get_file("seed");
  inputs.push_back("\2\1\13\2\24\3\4");
  inputs.push_back('\0' + file);
  file.insert(file.find_last_of(" }") + 1, 1, kEndOfHeader);
  inputs.push_back('\1' + file.substr(sizeof(uint64_t)));
  return inputs;
}

}  // namespace strata::fuzz
