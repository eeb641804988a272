#pragma once

#include <c10/core/ScalarType.h>

#include <array>
#include <string_view>
#include <utility>

// What the reader and the writer of safetensors have in common.
//
// A file is: header length (8 bytes, little endian), header (JSON), data. The header maps names to
// {dtype, shape, data_offsets: [begin, end) in the data}; the tensors cover the data without gap or overlap.
namespace strata::io {

constexpr size_t kLengthBytes = 8;
constexpr size_t kLongestHeader = 100'000'000;
constexpr std::string_view kMetadataKey = "__metadata__";

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 10> kDtypes{{
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"I16", at::kShort},
    {"I8", at::kChar},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
}};

}  // namespace strata::io
