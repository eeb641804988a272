#include "support/golden.h"

#include <map>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/io/json.h"
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

std::filesystem::path golden2() { return source_folder() / "tests/golden2"; }

const std::vector<Golden2Case>& golden2_cases() {
  static const std::vector<Golden2Case> cases = [] {
    std::vector<Golden2Case> all{{"keel/keel", "keel"},
                                 {"peri/peri", "sandwich"},
                                 {"peri/peri_embedding_norm", "peri"},
                                 {"layerscale/layerscale", "layerscale"},
                                 {"rezero/rezero", "rezero"},
                                 {"rezero/pre_scalar", "pre_scalar"},
                                 {"qknorm/qwen3", "pre", ", qk_norm: head"},
                                 {"qknorm/olmo2", "olmo2"},
                                 {"hybrid/hybrid", "hybrid"},
                                 {"hybrid/hybrid_star", "hybrid_star"},
                                 {"dyt/dyt", "dyt"},
                                 {"dyt/dyt_embed_scale", "dyt, options: {embed_scale: 7}"},
                                 {"derf/derf", "derf"}};
    for (const auto& [theirs, ours] : {std::pair("pre", "pre"), std::pair("post", "post"), std::pair("lns", "lns"),
                                       std::pair("sandwich", "sandwich"), std::pair("deeppost", "deepnorm")}) {
      for (const char* point : {"t0", "early", "mid", "base"}) {
        const std::string file = str("prores/", theirs, ".", point);
        if (std::filesystem::exists(golden2() / (file + ".json"))) all.push_back({file, str(ours, "+prores")});
      }
    }
    return all;
  }();
  return cases;
}

std::optional<int64_t> write_golden2_folder(const Golden2Case& one, const std::filesystem::path& folder) {
  const nlohmann::json said = io::read_json(golden2() / (one.file + ".json"));
  std::map<std::string, at::Tensor> weights;
  const auto take = [&](const std::string& file) {
    const auto golden = io::SafetensorsFile::open(golden2() / file);
    for (const std::string& name : golden.names()) {
      if (name.starts_with("param.")) weights[name.substr(6)] = golden.tensor(name).clone();
    }
  };
  for (const auto& shared : said.value("shared", nlohmann::json::array())) take(shared.get<std::string>());
  take(one.file + ".safetensors");
  std::string norm = "scheme: " + one.scheme;
  std::optional<int64_t> update;
  if (said.contains("prores_schedule") && said.at("prores_schedule").is_string()) {
    norm += str(", prores: {schedule: ", said.at("prores_schedule").get<std::string>(),
                ", warmup_steps: ", said.at("prores_warmup_steps").get<int64_t>(), "}");
    update = said.at("update_step").get<int64_t>();
  }
  write_file(folder / "config.yaml",
             str("model: {vocab: 80, hidden: 48, intermediate: 130, layers: 6, heads: 3, norm_eps: 1e-5, rope_theta: ",
                 said.at("config").at("rope_theta").get<double>(), one.model, "}\nnorm: {", norm, "}\n"));
  io::write_safetensors(folder / "model.safetensors", io::NamedTensors(weights.begin(), weights.end()));
  return update;
}

}  // namespace strata::test
