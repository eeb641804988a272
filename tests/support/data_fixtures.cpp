#include "support/data_fixtures.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/seed.h"
#include "support/compress.h"

namespace strata::data::test {

std::string made_up_text(int number, int words) {
  std::string text;
  for (int word = 0; word < words; ++word) {
    for (uint64_t bits = mix_bits(mix_bits(number) + word) % 50'000; bits > 0; bits /= 50) {
      text.push_back("bdfgklmnpr"[bits % 10]);
      text.push_back("aeiou"[bits / 10 % 5]);
    }
    text += word % 40 == 39 && number % 2 == 0 ? ".\n" : " ";
  }
  return text;
}

std::filesystem::path small_model() {
  static const strata::test::TempFolder folder;
  static const auto path = [] {
    int number = 0;
    const TextStream texts = [&](std::string& text) {
      text = made_up_text(number, 900);
      return number++ < 30;
    };
    train_tokenizer(texts, 200, folder / "small.model");
    return folder / "small.model";
  }();
  return path;
}

std::shared_ptr<const Tokenizer> small_tokenizer() {
  static const auto tokenizer = std::make_shared<const Tokenizer>(small_model());
  return tokenizer;
}

Source made_up_source(const std::filesystem::path& folder, const std::string& name, int first, int last) {
  std::string lines;
  for (int number = first; number < last; ++number) {
    lines += nlohmann::json{{"text", made_up_text(number, 1 + number % 60)}, {"url", ""}}.dump() + "\n";
  }
  const auto path = folder / name;
  strata::test::write_file(path, path.extension() == ".gz" ? strata::test::gzip(lines) : lines);
  return {name, {path}};
}

std::filesystem::path write_shard(const std::filesystem::path& path,
                                  const std::vector<std::vector<int32_t>>& documents) {
  TokenShardWriter writer(path, 1, 32'000);
  for (const auto& document : documents) writer.add(document);
  writer.commit();
  return path;
}

}  // namespace strata::data::test
