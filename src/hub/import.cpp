#include "strata/hub/import.h"

#include <algorithm>
#include <set>

#include "hub/source_weights.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/load.h"
#include "strata/config/print.h"
#include "strata/data/tokenizer.h"
#include "strata/hub/model_folder.h"
#include "strata/io/file.h"
#include "strata/nn/model_folder.h"
#include "strata/norm/make.h"

namespace strata::hub {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_of(const nn::ParameterLayout& layout) {
  std::set<std::string> names;
  for (const ParamSpec& param : layout.params) names.insert(param.name);
  return names;
}

// Which schemes, with their options as they are, have just these parameters.
std::vector<std::string> schemes_with(const std::set<std::string>& names, config::RunConfig config) {
  std::vector<std::string> fitting;
  for (const std::string& scheme : norm::all_scheme_names()) {
    config.norm.scheme = scheme;
    try {
      if (names_of(nn::describe(config.model, config.norm).layout) == names) fitting.push_back(scheme);
    } catch (const config::KeyError&) {  // the options are another scheme's, or it takes no gates
    }
  }
  return fitting;
}

std::string first_contradiction(const std::set<std::string>& names, const nn::ParameterLayout& layout) {
  for (const std::string& name : names_of(layout)) {
    if (!names.contains(name)) return "there is no " + name;
  }
  for (const std::string& name : names) {
    if (!layout.contains(name)) return name + " is not its";
  }
  return "";
}

std::string suggestion(const std::vector<std::string>& fitting) {
  return fitting.empty() ? "; no scheme with these options has just these tensors"
                         : str("; the tensors are those of ", join(fitting, ", "));
}

// A stock architecture's own is the default of norm.scheme, whatever other schemes have its names: they compute it too,
// or else nobody but their user can know.
void choose_scheme(const std::set<std::string>& names, const SourceWeights& source, config::RunConfig& config) {
  if (names_of(nn::describe(config.model, config.norm).layout) == names) return;
  const std::vector<std::string> fitting = schemes_with(names, config);
  STRATA_CHECK(!fitting.empty(), source.shown, ": ", config.norm.scheme,
               " does not fit: ", first_contradiction(names, nn::describe(config.model, config.norm).layout),
               suggestion(fitting), "; --scheme and norm.options.* name one");
  STRATA_CHECK(fitting.size() == 1, source.shown, ": the tensors fit ", join(fitting, ", "),
               ", and no file says which one it was; --scheme names it");
  config.norm.scheme = fitting.front();
}

void check_scheme(const std::set<std::string>& names, const SourceWeights& source, const config::RunConfig& config) {
  const std::string contradiction = first_contradiction(names, nn::describe(config.model, config.norm).layout);
  STRATA_CHECK(contradiction.empty(), source.shown, ": is not ", config.norm.scheme, ": ", contradiction,
               suggestion(schemes_with(names, config)));
}

// The overrides over what config.json says, checked as any config is.
config::RunConfig with_overrides(const config::RunConfig& config, const ImportOptions& options,
                                 const fs::path& folder) {
  for (const std::string& one : options.overrides) {
    if (one.starts_with("norm.") || one.starts_with("model.max_positions=")) continue;
    throw UsageError(str(one, ": only norm.* and model.max_positions can be said of a model that is there already"));
  }
  std::vector<std::string> overrides = options.overrides;
  if (!options.scheme.empty()) overrides.insert(overrides.begin(), "norm.scheme=" + options.scheme);
  const fs::path file = folder / nn::kConfigFile;
  io::write_atomically(file, config::to_yaml(config, {"model", "norm"}));
  config::Loaded loaded = config::load(file, overrides);
  try {
    nn::describe(loaded.config.model, loaded.config.norm);
  } catch (const config::KeyError& error) {
    throw loaded.origins.locate(error);
  }
  return std::move(loaded.config);
}

void check_shapes(const nn::ParameterLayout& layout, const SourceWeights& source) {
  for (const ParamSpec& param : layout.params) {
    const io::TensorPlan& plan = source.find(param.name);
    STRATA_CHECK(plan.shape == param.shape, source.shown, ": ", param.name, " has shape ", at::IntArrayRef(plan.shape),
                 ", the model needs ", at::IntArrayRef(param.shape));
    STRATA_CHECK(at::isFloatingType(plan.dtype), source.shown, ": ", param.name, " is ", plan.dtype,
                 ", not floating-point numbers");
  }
}

void write_weights(const nn::ParameterLayout& layout, const SourceWeights& source, const fs::path& file) {
  std::vector<io::TensorPlan> plans;
  for (const ParamSpec& param : layout.params) {
    const io::TensorPlan& plan = source.find(param.name);
    plans.push_back({param.name, at::kFloat, param.shape, [&plan] { return plan.make().to(at::kFloat).contiguous(); }});
  }
  io::write_safetensors(file, plans, {{"format", "pt"}});
}

void copy_tokenizer(const fs::path& source, const fs::path& folder, Imported& imported) {
  for (const char* name : {kTokenizerFile, "tokenizer.model", kTokenizerJson}) {
    if (!fs::exists(source / name)) continue;
    try {
      const data::Tokenizer checked(source / name);
      STRATA_CHECK(checked.vocab_size() <= imported.config.model.vocab, (source / name).string(), ": has ",
                   checked.vocab_size(), " ids, the model ", imported.config.model.vocab);
      const auto copy = [&](const char* from, const char* to) {
        if (fs::exists(source / from)) io::write_atomically(folder / to, io::read_text(source / from));
      };
      copy(name, checked.is_sentencepiece() ? kTokenizerFile : kTokenizerJson);
      copy(kTokenizerSettings, kTokenizerSettings);
      imported.tokenizer = name;
      return;
    } catch (const Error& failure) {
      imported.no_tokenizer = failure.what();
    }
  }
}

}  // namespace

Imported import_model(const fs::path& source, const ImportOptions& options, const fs::path& folder) {
  if (!fs::is_directory(source)) throw UsageError(source.string() + ": no such folder");
  const fs::path config_file = source / "config.json";
  STRATA_CHECK(fs::exists(config_file), source.string(), ": has no config.json",
               fs::exists(source / nn::kConfigFile) ? "; it is a model folder of Strata's already" : "");
  const HfConfig hf = read_hf_config(config_file);
  const SourceWeights weights = open_source_weights(source, hf.tied);
  Imported imported{.files = weights.shown};
  imported.config.model = hf.model;
  imported.config.norm.scheme = hf.scheme;
  imported.config = with_overrides(imported.config, options, folder);
  const std::set<std::string> names = weights.names();
  const std::string before = imported.config.norm.scheme;
  const bool is_given = !options.scheme.empty() || std::ranges::any_of(options.overrides, [](const std::string& one) {
    return one.starts_with("norm.scheme=");
  });
  is_given ? check_scheme(names, weights, imported.config) : choose_scheme(names, weights, imported.config);
  imported.is_inferred = imported.config.norm.scheme != before;
  const nn::ModelSpec spec = nn::describe(imported.config.model, imported.config.norm);
  imported.parameters = spec.layout.count();
  check_shapes(spec.layout, weights);
  write_weights(spec.layout, weights, folder / nn::kWeightsFile);
  io::write_atomically(folder / nn::kConfigFile, config::to_yaml(imported.config, {"model", "norm"}));
  copy_tokenizer(source, folder, imported);
  return imported;
}

}  // namespace strata::hub
