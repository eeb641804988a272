#include <filesystem>

#include "fuzz/target.h"
#include "strata/base/check.h"
#include "strata/train/checkpoint/files.h"

namespace strata::fuzz {

using train::Manifest;
using train::parse_manifest;

void test_one(std::string_view input) {
  const Manifest manifest = parse_manifest(input, "read");
  const std::filesystem::path folder = "runs/a/step_1";
  for (const auto& [name, seal] : manifest) {
    const auto file = (folder / name).lexically_normal();
    expect(file.parent_path() == folder && file.filename() == name, "a name is that of a file beside the manifest");
    expect(seal.xxh3.size() == 16, "a digest has 16 digits");
  }
  expect(!manifest.empty() && parse_manifest(to_json(manifest), "written") == manifest, "what is read can be written");
}

std::vector<std::string> seeds() {
  const std::string digest = "00ff00ff00ff00ff";
  const auto one = [&](const std::string& name) {
    return str(R"({"files":{")", name, R"(":{"bytes":1,"xxh3":")", digest, "\"}}}");
  };
  return {to_json(Manifest{{"model.safetensors", {.bytes = 5'000'000'000, .xxh3 = digest}},
                           {"state.json", {.bytes = 0, .xxh3 = digest}}}),
          one("a"),
          one("../a"),
          one("/a"),
          one("a/b"),
          one("."),
          one("\\u002f\\u0000")};
}

}  // namespace strata::fuzz
