#include "support/golden.h"

#include "strata/io/safetensors.h"
#include "support/places.h"
#include "support/temp_folder.h"

namespace strata::test {

std::filesystem::path golden_model() { return source_folder() / "tests/golden/model"; }

const std::vector<GoldenScheme>& golden_schemes() {
  static const std::vector<GoldenScheme> schemes{{"post", "post"},
                                                 {"pre", "pre"},
                                                 {"sandwich", "sandwich"},
                                                 {"deeppost", "deepnorm"},
                                                 {"post_pre", "mix"},
                                                 {"lns", "lns"},
                                                 {"pre_gpas", "pre+gpas"},
                                                 {"sandwich_gpas", "sandwich+gpas"},
                                                 {"lns_gpas", "lns+gpas"},
                                                 {"deeppost_gpas", "deepnorm+gpas"},
                                                 {"post_pre_gpas", "mix+gpas"},
                                                 {"scale_pre", "scaled_init"}};
  return schemes;
}

void write_golden_folder(const GoldenScheme& scheme, const std::filesystem::path& folder) {
  const std::string prefix = "param.";
  io::NamedTensors weights;
  for (const std::string& file : {std::string("_shared"), scheme.theirs}) {
    const auto golden = io::SafetensorsFile::open(golden_model() / "scheme" / (file + ".safetensors"));
    for (const std::string& name : golden.names()) {
      if (name.starts_with(prefix)) weights.emplace_back(name.substr(prefix.size()), golden.tensor(name));
    }
  }
  write_file(folder / "config.yaml",
             "model: {vocab: 96, hidden: 32, intermediate: 88, layers: 8, heads: 4, norm_eps: 1e-6, rope_theta: 1e4}\n"
             "norm: {scheme: " +
                 scheme.ours + "}\n");
  io::write_safetensors(folder / "model.safetensors", weights);
}

}  // namespace strata::test
