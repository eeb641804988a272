// A program of somebody else's: writes tensors with the installed Strata and reads them back.
#include <ATen/ops/arange.h>

#include <exception>
#include <iostream>

#include "strata/base/check.h"
#include "strata/base/version.h"
#include "strata/io/safetensors.h"

int main(int argc, char** argv) {
  try {
    STRATA_CHECK(argc == 2, "usage: outside FILE");
    const at::Tensor values = at::arange(12, at::kFloat).reshape({3, 4});
    strata::io::write_safetensors(argv[1], {{"values", values}}, {{"strata", strata::version()}});
    const auto file = strata::io::SafetensorsFile::open(argv[1]);
    STRATA_CHECK(file.tensor("values").equal(values), "other values came back");
    std::cout << "strata " << file.metadata().at("strata") << ": " << file.names().size() << " tensor\n";
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << "\n";
    return 1;
  }
  return 0;
}
