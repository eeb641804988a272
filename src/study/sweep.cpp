#include "strata/study/sweep.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>

#include "config/schema.h"
#include "config/yaml.h"
#include "strata/base/check.h"
#include "strata/base/text.h"
#include "strata/config/key_error.h"
#include "strata/io/file.h"

namespace strata::config {

// Values stay as they are written, which is how overrides have them.
template <>
struct Codec<study::KeyValues> {
  static std::string type() { return "map from keys to lists of values"; }

  static std::optional<study::KeyValues> read(const Node& node) {
    if (node.kind != Node::Kind::kMap) return std::nullopt;
    study::KeyValues keys;
    for (const auto& [key, list] : node.entries) {
      if (list.kind != Node::Kind::kList || list.items.empty()) return std::nullopt;
      std::vector<std::string> values;
      for (const Node& item : list.items) values.push_back(item.kind == Node::Kind::kScalar ? item.text : show(item));
      keys.emplace_back(key, std::move(values));
    }
    return keys;
  }

  static Node write(const study::KeyValues& keys) {
    Node map{.kind = Node::Kind::kMap};
    for (const auto& [key, values] : keys)
      map.entries.emplace_back(key, Codec<std::vector<std::string>>::write(values));
    return map;
  }
};

template <>
struct Codec<study::Seeds> {
  static constexpr int64_t kMost = 10'000;
  static std::string type() { return "list of integers, or how many"; }

  static std::optional<study::Seeds> read(const Node& node) {
    study::Seeds seeds;
    if (const auto count = Codec<int64_t>::read(node)) {
      if (*count < 1 || *count > kMost) return std::nullopt;
      seeds.numbers.resize(static_cast<size_t>(*count));
      std::iota(seeds.numbers.begin(), seeds.numbers.end(), int64_t{1});
      return seeds;
    }
    if (node.kind != Node::Kind::kList || node.items.empty()) return std::nullopt;
    for (const Node& item : node.items) {
      const auto number = Codec<int64_t>::read(item);
      if (!number || *number < 0) return std::nullopt;
      seeds.numbers.push_back(*number);
    }
    return seeds;
  }

  static Node write(const study::Seeds& seeds) {
    Node list{.kind = Node::Kind::kList};
    for (const int64_t seed : seeds.numbers) list.items.push_back(scalar_node(std::to_string(seed)));
    return list;
  }
};

}  // namespace strata::config

namespace strata::study {
namespace {

using config::KeyError;

std::string value_of(const std::string& override_text) { return override_text.substr(override_text.find('=') + 1); }

std::string name_of(const std::vector<std::string>& overrides) {
  if (overrides.empty()) return "base";
  std::vector<std::string> values;
  for (const std::string& text : overrides) values.push_back(value_of(text));
  return join(values, "_");
}

// Where a count of tune_seeds would begin at 1, they begin behind those that are judged.
constexpr int64_t kFirstTuneSeed = 1001;

std::vector<std::vector<std::string>> zipped(const KeyValues& keys) {
  if (keys.empty()) return {{}};
  std::vector<std::vector<std::string>> rows(keys.front().second.size());
  for (const auto& [key, values] : keys) {
    if (values.size() != rows.size()) {
      throw UsageError(
          str("zip: ", key, " has ", values.size(), " values, and ", keys.front().first, " has ", rows.size()));
    }
    for (size_t i = 0; i < rows.size(); ++i) rows[i].push_back(key + "=" + values[i]);
  }
  return rows;
}

void check_names(const std::vector<Arm>& arms) {
  std::set<std::string> names;
  for (const Arm& arm : arms) {
    if (!names.insert(arm.name).second)
      throw UsageError(str("two arms are called ", arm.name, "; names: [...] names them"));
  }
}

void check_seeds(const SweepConfig& sweep) {
  const std::set<int64_t> judged(sweep.seeds.numbers.begin(), sweep.seeds.numbers.end());
  if (judged.size() != sweep.seeds.numbers.size()) throw KeyError("seeds", "one is there twice");
  if (sweep.tune.empty()) return;
  for (const int64_t seed : sweep.tune_seeds.numbers) {
    if (judged.contains(seed)) {
      throw KeyError("tune_seeds", str(seed, " is among seeds too: what is best for them is no judgement on them"));
    }
  }
}

}  // namespace

std::string file_name_of(const std::string& text) {
  std::string name = text;
  for (char& letter : name) {
    const bool is_fine = std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
                         std::string_view("._+=-").find(letter) != std::string_view::npos;
    if (!is_fine) letter = '_';
  }
  return name;
}

SweepConfig read_sweep(const std::filesystem::path& file) {
  if (!std::filesystem::is_regular_file(file)) throw UsageError(str("cannot read ", file.string(), ": no such file"));
  config::Node node = config::parse_yaml_file(io::read_text(file), file.string());
  SweepConfig sweep;
  config::FieldList list;
  sweep.fields(list);
  config::assign(list.fields, node);
  if (sweep.base.empty()) throw UsageError(str(file.string(), ": base: names no config"));
  const config::Node* tune_seeds = node.find("tune_seeds");
  if (tune_seeds != nullptr && tune_seeds->kind == config::Node::Kind::kScalar) {
    for (int64_t& seed : sweep.tune_seeds.numbers) seed += kFirstTuneSeed - 1;
  }
  try {
    check_seeds(sweep);
  } catch (const KeyError& error) {
    throw UsageError(str(file.string(), ": ", error.what()));
  }
  sweep.base = (file.parent_path() / sweep.base).lexically_normal().string();
  if (sweep.output.empty()) sweep.output = (std::filesystem::path("sweeps") / file.stem()).string();
  return sweep;
}

std::string to_yaml(const SweepConfig& sweep) {
  SweepConfig copy = sweep, defaults;
  config::FieldList list, untouched;
  copy.fields(list);
  defaults.fields(untouched);
  config::Node map{.kind = config::Node::Kind::kMap};
  for (size_t i = 0; i < list.fields.size(); ++i) {
    const config::Node value = list.fields[i].value();
    const bool says_something = config::show(value) != config::show(untouched.fields[i].value());
    if (says_something || list.fields[i].key == "seeds") map.entries.emplace_back(list.fields[i].key, value);
  }
  return config::emit_yaml(map);
}

std::vector<std::vector<std::string>> combinations(const KeyValues& keys) {
  std::vector<std::vector<std::string>> rows{{}};
  for (const auto& [key, values] : keys) {
    std::vector<std::vector<std::string>> longer;
    for (const auto& row : rows) {
      for (const std::string& value : values) {
        longer.push_back(row);
        longer.back().push_back(str(key, "=", value));
      }
    }
    rows = std::move(longer);
  }
  return rows;
}

std::vector<Arm> arms_of(const SweepConfig& sweep) {
  std::vector<Arm> arms;
  for (const auto& outer : zipped(sweep.zip)) {
    for (const auto& inner : combinations(sweep.vary)) {
      std::vector<std::string> overrides = outer;
      overrides.insert(overrides.end(), inner.begin(), inner.end());
      const std::string name = arms.size() < sweep.names.size() ? sweep.names[arms.size()] : name_of(overrides);
      arms.push_back({.name = file_name_of(name), .overrides = std::move(overrides)});
    }
  }
  if (!sweep.names.empty() && sweep.names.size() != arms.size()) {
    throw UsageError(str("names: there are ", arms.size(), " arms and ", sweep.names.size(), " names"));
  }
  check_names(arms);
  return arms;
}

size_t baseline_of(const SweepConfig& sweep, const std::vector<Arm>& arms) {
  if (sweep.baseline.empty()) return 0;
  std::vector<std::string> names;
  for (const Arm& arm : arms) names.push_back(arm.name);
  const auto found = std::ranges::find(names, file_name_of(sweep.baseline));
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  throw UsageError(str("baseline: no arm is called \"", sweep.baseline, "\"", did_you_mean(sweep.baseline, names),
                       " (arms: ", join(names, " "), ")"));
}

}  // namespace strata::study
