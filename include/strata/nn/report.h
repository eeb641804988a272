#pragma once

#include "strata/base/table.h"
#include "strata/nn/model.h"

/// What a model consists of, as tables for people.
namespace strata::nn {

/// "fp32", "bf16", ...
std::string name_of(at::ScalarType dtype);

/// How many parameters are embedding, attention, feed-forward, norms, gates and head.
Table part_table(const ModelSpec& spec);

/// Every parameter: name, shape, dtype, count and what it starts from.
Table parameter_table(const ParameterLayout& layout, at::ScalarType dtype);

/// Every buffer: class, name and bytes, in the order in which they are taken.
Table buffer_table(const Allocator& plan);

}  // namespace strata::nn
