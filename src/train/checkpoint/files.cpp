#include "strata/train/checkpoint/files.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/data/mixture.h"
#include "strata/io/json.h"

namespace strata::train {
namespace {

using nlohmann::json;

// Reads the members of an object; what is missing or of another type is an error that names source and key.
class Members {
 public:
  Members(const json& object, std::string_view source) : object_(object), source_(source) {
    STRATA_CHECK(object.is_object(), source_, ": not an object");
  }

  const json& at(const char* key) const {
    const auto found = object_.find(key);
    STRATA_CHECK(found != object_.end(), source_, ": has no \"", key, "\"");
    return *found;
  }

  std::string text(const char* key) const {
    STRATA_CHECK(at(key).is_string(), source_, ": \"", key, "\" is not a string");
    return at(key).get<std::string>();
  }

  int64_t count(const char* key) const {
    const json& value = at(key);
    STRATA_CHECK(value.is_number_integer() && value >= 0 && value <= INT64_MAX, source_, ": \"", key, "\" is ",
                 value.dump(), ", not a count");
    return value.get<int64_t>();
  }

  bool has(const char* key) const { return object_.contains(key); }

  std::vector<int64_t> counts(const char* key) const {
    std::vector<int64_t> values;
    for (const double value : numbers(key)) {
      STRATA_CHECK(value >= 0.0 && value <= 0x1p53 && value == std::floor(value), source_, ": \"", key, "\" holds ",
                   value, ", not a count");
      values.push_back(static_cast<int64_t>(value));
    }
    return values;
  }

  std::vector<double> numbers(const char* key) const {
    STRATA_CHECK(at(key).is_array(), source_, ": \"", key, "\" is not a list");
    std::vector<double> values;
    for (const json& value : at(key)) {
      STRATA_CHECK(value.is_number(), source_, ": \"", key, "\" holds ", value.dump(), ", not a number");
      values.push_back(value.get<double>());
    }
    return values;
  }

  Members inner(const char* key) const { return {at(key), source_}; }

 private:
  const json& object_;
  std::string_view source_;
};

json cursor_object(const data::OrderCursor& cursor) {
  json object{{"seed", cursor.seed}, {"epoch", cursor.epoch}, {"row", cursor.row}};
  for (const data::SourceCursor& source : cursor.sources) {
    object["sources"].push_back({{"epoch", source.epoch}, {"row", source.row}, {"credit", source.credit}});
  }
  return object;
}

data::OrderCursor parse_cursor(const Members& cursor, std::string_view source) {
  data::OrderCursor parsed{
      .seed = static_cast<uint64_t>(cursor.count("seed")), .epoch = cursor.count("epoch"), .row = cursor.count("row")};
  if (!cursor.has("sources")) return parsed;
  STRATA_CHECK(cursor.at("sources").is_array(), source, ": \"sources\" is not a list");
  int64_t credits = 0;
  for (const json& object : cursor.at("sources")) {
    const Members of_source(object, source);
    const json& credit = of_source.at("credit");
    STRATA_CHECK(credit.is_number_integer() && credit >= -data::Mixture::kWhole && credit <= data::Mixture::kWhole,
                 source, ": \"credit\" is ", credit.dump(), ", no part of a row");
    parsed.sources.push_back(
        {.epoch = of_source.count("epoch"), .row = of_source.count("row"), .credit = credit.get<int64_t>()});
    credits += parsed.sources.back().credit;
  }
  STRATA_CHECK(credits == 0, source, ": \"credit\" of all sources adds up to ", credits, ", not to 0");
  return parsed;
}

SpikeWindow parse_spikes(const Members& spikes, std::string_view source) {
  SpikeWindow window{.losses = spikes.numbers("losses"), .grad_norms = spikes.numbers("grad_norms")};
  STRATA_CHECK(window.losses.size() == window.grad_norms.size(), source, ": \"spikes\" has ", window.losses.size(),
               " losses and ", window.grad_norms.size(), " gradient norms");
  return window;
}

json lisa_object(const LisaState& lisa) {
  return {{"draws", lisa.draws}, {"layers", lisa.layers}, {"updates", lisa.updates_L}, {"weights", lisa.weights_L}};
}

std::optional<LisaState> parse_lisa(const Members& root) {
  if (!root.has("lisa")) return std::nullopt;
  const Members lisa = root.inner("lisa");
  return LisaState{.draws = lisa.count("draws"),
                   .layers = lisa.counts("layers"),
                   .updates_L = lisa.counts("updates"),
                   .weights_L = lisa.numbers("weights")};
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && !name.starts_with('.') && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

bool is_digest(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

std::string to_json(const CheckpointState& state) {
  const Progress& progress = state.progress;
  json root{{"step", progress.step},
            {"cursor", cursor_object(progress.cursor)},
            {"tokens", progress.tokens},
            {"skipped", progress.skipped},
            {"spikes", {{"losses", progress.spikes.losses}, {"grad_norms", progress.spikes.grad_norms}}},
            {"data_fingerprint", state.data_fingerprint},
            {"tokenizer_fingerprint", state.tokenizer_fingerprint},
            {"gemm", state.gemm},
            {"threads", state.threads},
            {"versions", {{"strata", state.strata_version}, {"torch", state.torch_version}}}};
  if (!state.model_fingerprint.empty()) root["model_fingerprint"] = state.model_fingerprint;
  if (state.lisa) root["lisa"] = lisa_object(*state.lisa);
  return root.dump(2) + "\n";
}

CheckpointState parse_state(std::string_view text, std::string_view source) {
  const json parsed = io::parse_json(text, source);
  const Members root(parsed, source);
  const data::OrderCursor cursor = parse_cursor(root.inner("cursor"), source);
  const int64_t threads = root.count("threads");
  STRATA_CHECK(threads >= 1 && threads <= INT32_MAX, source, ": \"threads\" is ", threads);
  return {.progress = {.step = root.count("step"),
                       .cursor = cursor,
                       .tokens = root.count("tokens"),
                       .skipped = root.count("skipped"),
                       .spikes = parse_spikes(root.inner("spikes"), source)},
          .data_fingerprint = root.text("data_fingerprint"),
          .tokenizer_fingerprint = root.text("tokenizer_fingerprint"),
          .gemm = root.text("gemm"),
          .threads = static_cast<int>(threads),
          .torch_version = root.inner("versions").text("torch"),
          .strata_version = root.inner("versions").text("strata"),
          .model_fingerprint = root.has("model_fingerprint") ? root.text("model_fingerprint") : "",
          .lisa = parse_lisa(root)};
}

std::string to_json(const Manifest& manifest) {
  json files = json::object();
  for (const auto& [name, seal] : manifest) files[name] = {{"bytes", seal.bytes}, {"xxh3", seal.xxh3}};
  return json{{"files", files}}.dump(2) + "\n";
}

Manifest parse_manifest(std::string_view text, std::string_view source) {
  const json parsed = io::parse_json(text, source);
  const Members root(parsed, source);
  const json& files = root.at("files");
  STRATA_CHECK(files.is_object() && !files.empty(), source, ": names no files");
  Manifest manifest;
  for (const auto& [name, entry] : files.items()) {
    STRATA_CHECK(is_plain_name(name), source, ": \"", name, "\" is not the name of a file beside it");
    const Members members(entry, source);
    const FileSeal seal{.bytes = static_cast<uint64_t>(members.count("bytes")), .xxh3 = members.text("xxh3")};
    STRATA_CHECK(is_digest(seal.xxh3), source, ": the xxh3 of ", name, " is not 16 hexadecimal digits");
    manifest[name] = seal;
  }
  return manifest;
}

}  // namespace strata::train
