// The keys for people: a table in the terminal and docs/configuration.md.
#include <array>
#include <cctype>

#include "config/schema.h"
#include "strata/base/table.h"
#include "strata/config/enums.h"
#include "strata/config/print.h"

namespace strata::config {
namespace {

struct Meaning {
  Affects affects;
  const char* text;
};

constexpr std::array kMeanings{
    Meaning{Affects::kModel, "what the parameters mean: a run is never resumed under another value"},
    Meaning{Affects::kNumbers,
            "the numbers of a run: it is resumed under another value only where train.allow_change names the key"},
    Meaning{Affects::kContents,
            "the numbers, by what the files hold: that is compared, and where they lie is free at a resume and on each "
            "host"},
    Meaning{Affects::kExecution,
            "how a run is computed, kept and watched: free at a resume, the same for all workers of a run"},
    Meaning{Affects::kHost, "how one host computes and where its files lie: free at a resume, and for each worker"},
};
static_assert(kMeanings.size() == enum_names(Affects{}).size());

constexpr const char* kIntroduction = R"(# Configuration

<!-- Made from the keys in include/strata/config/ by: strata inspect --keys --markdown > docs/configuration.md -->

A run is described by one YAML file of sections and keys, for example `configs/pretrain/71m.yaml`:

```yaml
base: [c4.yaml, ../model/71m.yaml]
run: {dir: runs/71m}
train: {steps: 10000, micro_batch: 32}
optimizer: {lr: 1.0e-3}
```

- `base:` names a file or a list of files, relative to the file that names them. They are read first, later ones over
  earlier ones; then comes the file itself, then `key.path=value` from the command line, in order.
- Sections merge key by key; everything else, lists too, replaces what was there. A key that nobody gives has its
  default.
- An unknown key, a value of another type or out of range, and keys that do not fit together end the program before
  anything is computed, with one line that names file, line, key and value.
- A key that nothing reads under the values of others (`norm.gpas.start` without `+gpas`, `optimizer.eps` of `lion`) is a
  warning that says what it would need.
- `strata inspect CONFIG` prints the resolved config, which is a config itself; each run folder keeps its own as
  `config.yaml`. `strata inspect --keys` prints the tables below as one.

What another value of a key affects is one of these:

)";

std::string name_of(Affects affects) { return std::string(enum_name(affects)); }

std::string code(const std::string& text) { return "`" + (text.empty() ? "\"\"" : text) + "`"; }

// A help text as a sentence.
std::string sentence(std::string help) {
  help[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(help[0])));
  return help + ".";
}

Table meanings(std::vector<Table::Column> columns) {
  Table table(std::move(columns));
  for (const auto& [affects, text] : kMeanings) table.add({name_of(affects), text});
  return table;
}

// A heading and the section's own keys, then the sections inside it.
std::string chapter(const Field& section, const std::string& key, const std::string& heading) {
  Table table({{"key"}, {"default"}, {"takes"}, {"affects"}, {"meaning"}});
  std::string inner;
  for (const Field& field : section.children) {
    const std::string path = joined_key(key, field.key);
    if (field.is_section()) {
      inner += chapter(field, path, heading + "#");
    } else {
      table.add({code(path), code(show(field.value())), field.type, name_of(field.affects), field.help});
    }
  }
  return "\n" + heading + " " + key + "\n\n" + sentence(section.help) + "\n\n" + table.markdown() + inner;
}

}  // namespace

std::string help() {
  RunConfig defaults;
  Table table({{"key"}, {"default"}, {"affects"}, {"meaning (what it takes)"}});
  for_each_key(fields_of(defaults), [&](const std::string& key, const Field& field) {
    table.add({key, show(field.value()), name_of(field.affects), field.help + " (" + field.type + ")"});
  });
  return table.text() + "\nWhat another value affects:\n" + meanings({{""}, {""}}).text("  ");
}

std::string reference() {
  RunConfig defaults;
  std::string document = kIntroduction + meanings({{"affects"}, {"that is"}}).markdown();
  for (const Field& section : fields_of(defaults)) document += chapter(section, section.key, "##");
  return document;
}

}  // namespace strata::config
