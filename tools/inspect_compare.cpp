// strata inspect A B: where two model folders differ.
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/where.h>

#include <cstring>
#include <iostream>
#include <limits>

#include "command.h"
#include "inspect.h"
#include "strata/base/check.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/config/print.h"
#include "strata/hub/model_folder.h"

namespace strata::tools {
namespace {

// The place in a tensor where two models are furthest from each other.
struct Furthest {
  double distance = -1.0;  // infinite where a value is NaN in one of them
  std::string text;
};

std::string place_of(int64_t index, at::IntArrayRef shape) {
  std::vector<int64_t> place(shape.size());
  for (size_t dim = shape.size(); dim-- > 0; index /= shape[dim]) place[dim] = index % shape[dim];
  return strata::str(at::IntArrayRef(place));
}

bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

Furthest furthest_in(const std::string& name, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = a.to(at::kDouble).flatten();
  const at::Tensor right = b.to(at::kDouble).flatten();
  at::Tensor distance = (left - right).abs();
  distance = at::where(distance.isnan() & (left.isnan() & right.isnan()).logical_not(),
                       std::numeric_limits<double>::infinity(), distance.nan_to_num(0.0));
  const int64_t index = distance.argmax().item<int64_t>();
  return {.distance = distance[index].item<double>(),
          .text = str(name, " ", place_of(index, a.sizes()), ": ", left[index].item<double>(), " and ",
                      right[index].item<double>())};
}

struct Comparison {
  int64_t equal = 0, different = 0;
  Furthest first, largest;
  Table others{{{""}, {""}}};  // what cannot be compared value by value

  void add(const std::string& name, const at::Tensor& a, const at::Tensor& b) {
    if (a.sizes() == b.sizes() && same_bytes(a, b)) {
      ++equal;
      return;
    }
    ++different;
    if (a.sizes() != b.sizes()) {
      others.add({name, strata::str("has shapes ", a.sizes(), " and ", b.sizes())});
      return;
    }
    if (a.scalar_type() != b.scalar_type()) {
      others.add({name, strata::str("is ", a.scalar_type(), " and ", b.scalar_type())});
    }
    const Furthest furthest = furthest_in(name, a, b);
    if (first.text.empty()) first = furthest;
    if (furthest.distance > largest.distance) largest = furthest;
  }

  void add_missing(const std::string& name, const std::filesystem::path& folder) {
    ++different;
    others.add({name, "is only in " + folder.string()});
  }
};

Table config_differences(const config::RunConfig& one, const config::RunConfig& other) {
  Table table({{""}, {""}, {""}});
  for (const config::Difference& difference : config::differences(one, other)) {
    table.add({difference.key, difference.before, difference.now});
  }
  return table;
}

}  // namespace

void compare_folders(const std::filesystem::path& one, const std::filesystem::path& other) {
  const hub::ModelFolder left = hub::open_model_folder(one), right = hub::open_model_folder(other);
  const io::TensorFiles &a = left.weights, &b = right.weights;
  Comparison comparison;
  for (const std::string& name : a.names()) {
    if (b.contains(name)) comparison.add(name, a.tensor(name), b.tensor(name));
    if (!b.contains(name)) comparison.add_missing(name, one);
  }
  for (const std::string& name : b.names()) {
    if (!a.contains(name)) comparison.add_missing(name, other);
  }
  const std::string config = config_differences(left.config, right.config).text("  ");
  if (!config.empty()) std::cout << "config\n" << config;
  if (comparison.different == 0) {
    std::cout << "all " << comparison.equal << " tensors are equal, bit by bit\n";
    return;
  }
  std::cout << comparison.different << " tensors differ, " << comparison.equal << " are equal\n";
  if (!comparison.first.text.empty()) {
    std::cout << "  first    " << comparison.first.text << "\n  largest  " << comparison.largest.text << ", by "
              << comparison.largest.distance << "\n";
  }
  std::cout << comparison.others.text("  ") << std::flush;
  throw Stopped{1};
}

}  // namespace strata::tools
