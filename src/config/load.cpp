#include "strata/config/load.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "config/schema.h"
#include "config/yaml.h"

namespace strata::config {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBase = "base";

// Files that are being read, each named by the one before it.
using Chain = std::vector<fs::path>;

std::string read_text(const fs::path& file, const std::string& blame) {
  const auto fail = [&](const std::string& reason) {
    throw UsageError(blame + "cannot read " + on_one_line(file.string()) + ": " + reason);
  };
  std::error_code ignored;  // opening the file finds the same reason
  if (fs::is_directory(file, ignored)) fail("it is a folder");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail(std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) fail(std::strerror(errno));
  return text;
}

void check_no_cycle(const Chain& chain, const fs::path& file, const std::string& blame) {
  std::error_code unreadable;  // such files are not open
  const auto same = [&](const fs::path& open) { return fs::equivalent(open, file, unreadable); };
  const auto first = std::ranges::find_if(chain, same);
  if (first == chain.end()) return;
  std::vector<std::string> names;
  for (auto open = first; open != chain.end(); ++open) names.push_back(open->string());
  names.push_back(file.string());
  throw UsageError(blame + "leads back to itself: " + join(names, " -> "));
}

std::vector<std::string> base_files(const Node& base) {
  if (const auto one = Codec<std::string>::read(base)) return {*one};
  if (const auto several = Codec<std::vector<std::string>>::read(base)) return *several;
  throw UsageError(base.place + ": base: expected a file or a list of files, got " + show_briefly(base));
}

// The file over its bases. `blame` stands before complaints about the file as a whole.
Node read_with_bases(const fs::path& file, const std::string& blame, Chain chain) {
  check_no_cycle(chain, file, blame);
  Node own = parse_yaml_file(read_text(file, blame), on_one_line(file.string()));
  const Node* base = own.find(kBase);
  if (base == nullptr) return own;

  chain.push_back(file);
  Node merged;
  for (const std::string& name : base_files(*base)) {
    const fs::path base_file = (file.parent_path() / name).lexically_normal();
    merge(merged, read_with_bases(base_file, base->place + ": base: ", chain));
  }
  std::erase_if(own.entries, [](const Node::Entry& entry) { return entry.first == kBase; });
  merge(merged, std::move(own));
  return merged;
}

// The shell has quoted a text already: for a key of texts it is taken as it is, whatever YAML would see in it ("a #2",
// "{instruction} {output}"), unless it is quoted once more or a list.
Node parse_value(const std::string& written, const std::string& place, bool is_text) {
  const bool is_yaml = written.starts_with('"') || written.starts_with('\'') || written.starts_with('[');
  return is_text && !is_yaml ? scalar_node(written, true) : parse_yaml_value(written, place);
}

// The map that the override stands for: "a.b=1" is {a: {b: 1}}.
Node parse_override(const std::string& text, const std::set<std::string>& text_keys) {
  const std::string place = str("override \"", on_one_line(text), "\"");
  const size_t equals = text.find('=');
  const std::string path = str(".", text.substr(0, equals));
  if (equals == std::string::npos || path.ends_with('.') || path.find("..") != std::string::npos ||
      path.find(' ') != std::string::npos) {
    throw UsageError(place + ": expected key.path=value");
  }
  Node node = parse_value(text.substr(equals + 1), place, text_keys.contains(path.substr(1)));
  node.place = place;
  for (size_t end = path.size(); end > 0;) {
    const size_t dot = path.rfind('.', end - 1);
    Node outer{.kind = Node::Kind::kMap, .place = place};
    outer.entries.emplace_back(path.substr(dot + 1, end - dot - 1), std::move(node));
    node = std::move(outer);
    end = dot;
  }
  return node;
}

// Those of one text and those of several.
std::set<std::string> text_keys_among(const std::vector<Field>& fields) {
  std::set<std::string> keys;
  for_each_key(fields, [&](const std::string& key, const Field& field) {
    const bool is_text = field.type.starts_with(Codec<std::string>::type());
    if (is_text || field.type.starts_with(Codec<std::vector<std::string>>::type())) keys.insert(key);
  });
  return keys;
}

void note_origins(const Node& node, const std::string& section, Origins& origins) {
  for (const auto& [key, value] : node.entries) {
    const std::string path = joined_key(section, key);
    origins.add(path, value.place);
    note_origins(value, path, origins);
  }
}

}  // namespace

std::string Origins::place_of(const std::string& key) const {
  for (std::string given = key;; given.resize(given.rfind('.'))) {
    if (const auto found = places_.find(given); found != places_.end()) return found->second;
    if (given.find('.') == std::string::npos) return file_;
  }
}

UsageError Origins::locate(const KeyError& error) const {
  return UsageError(place_of(error.key()) + ": " + error.what());
}

Loaded load(const fs::path& file, const std::vector<std::string>& overrides,
            const std::function<void(Loaded&)>& complete) {
  Node merged = read_with_bases(file, "", {});
  Loaded loaded{.config = {}, .origins = Origins(file.string())};
  const std::vector<Field> fields = fields_of(loaded.config);
  const std::set<std::string> text_keys = text_keys_among(fields);
  for (const std::string& text : overrides) merge(merged, parse_override(text, text_keys));
  assign(fields, merged);
  note_origins(merged, "", loaded.origins);
  try {
    if (complete) complete(loaded);
    loaded.config.validate();
  } catch (const KeyError& error) {
    throw loaded.origins.locate(error);
  }
  return loaded;
}

}  // namespace strata::config
