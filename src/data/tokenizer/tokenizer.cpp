#include "strata/data/tokenizer.h"

#include <xxhash.h>

#include <nlohmann/json.hpp>

#include "data/tokenizer/byte_bpe.h"
#include "data/tokenizer/sentencepiece.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/io/file.h"
#include "strata/io/json.h"

namespace strata::data {
namespace {

namespace fs = std::filesystem;
using config::SpecialToken;
using nlohmann::json;

fs::path file_of(const fs::path& path) {
  const fs::path file = fs::is_directory(path) ? tokenizer_in(path) : path;
  if (file.empty()) {
    throw UsageError(str(path.string(), ": the folder has no spiece.model, tokenizer.model or tokenizer.json"));
  }
  if (!fs::is_regular_file(file)) throw UsageError("there is no tokenizer " + file.string());
  return file;
}

bool is_json(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '{';
}

// tokenizer_config.json: what transformers knows of a tokenizer besides its file.
class Settings {
 public:
  explicit Settings(const fs::path& file) : path_(file.parent_path() / "tokenizer_config.json") {
    if (fs::is_regular_file(path_)) values_ = io::read_json(path_);
    STRATA_CHECK(values_.is_object(), path_.string(), ": is no JSON object");
  }

  std::optional<bool> flag(const char* key) const {
    const json value = values_.value(key, json());
    return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
  }

  // A token that the settings name, as a string or as an object with its content; else `otherwise`.
  std::optional<int32_t> token(const char* key, const TokenizerModel& model, std::optional<int32_t> otherwise) const {
    json value = values_.value(key, json());
    if (value.is_object()) value = value.value("content", json());
    if (!value.is_string()) return otherwise;
    const auto id = model.id_of(value.get<std::string>());
    STRATA_CHECK(id, path_.string(), ": ", key, ": ", value.dump(), " is no token of the tokenizer beside it");
    return id;
  }

 private:
  fs::path path_;
  json values_ = json::object();
};

}  // namespace

fs::path tokenizer_in(const fs::path& folder) {
  for (const char* name : {"spiece.model", "tokenizer.model", "tokenizer.json"}) {
    if (fs::is_regular_file(folder / name)) return folder / name;
  }
  return {};
}

struct Tokenizer::Implementation {
  fs::path file;
  std::unique_ptr<TokenizerModel> model;
  bool is_sentencepiece = false;
  uint64_t fingerprint = 0;
  std::optional<int32_t> bos, eos, pad;
  std::vector<int32_t> start;
  std::optional<int32_t> end;

  void read();
  void mark(const DocumentMarks& marks);
  std::vector<int32_t> whole(const std::vector<int32_t>& before, std::vector<int32_t> ids,
                             const std::vector<int32_t>& behind) const;
};

void Tokenizer::Implementation::read() {
  const std::string bytes = io::read_text(file);
  const Settings settings(file);
  fingerprint = XXH3_64bits(bytes.data(), bytes.size());
  is_sentencepiece = !is_json(bytes);
  if (is_sentencepiece) {
    model = open_sentencepiece(bytes, file.string(), settings.flag("add_bos_token"), settings.flag("add_eos_token"));
    bos = model->bos(), eos = model->eos(), pad = model->pad();
  } else {
    model = std::make_unique<ByteBpe>(read_tokenizer_json(bytes, file.string()));
    bos = settings.token("bos_token", *model, model->bos());
    eos = settings.token("eos_token", *model, model->eos());
    pad = settings.token("pad_token", *model, model->pad());
  }
}

void Tokenizer::Implementation::mark(const DocumentMarks& marks) {
  const auto need = [&](const std::optional<int32_t>& token, const char* key, const char* what) {
    if (!token) throw UsageError(str(key, "=true: ", file.string(), " has no token for ", what));
    return *token;
  };
  if (marks.bos == SpecialToken::kAuto) start = model->before();
  if (marks.bos == SpecialToken::kTrue) start = {need(bos, "data.bos", "a beginning")};
  if (marks.eos == SpecialToken::kAuto) end = eos;
  if (marks.eos == SpecialToken::kTrue) end = need(eos, "data.eos", "an end");
}

std::vector<int32_t> Tokenizer::Implementation::whole(const std::vector<int32_t>& before, std::vector<int32_t> ids,
                                                      const std::vector<int32_t>& behind) const {
  ids.insert(ids.begin(), before.begin(), before.end());
  ids.insert(ids.end(), behind.begin(), behind.end());
  return ids;
}

Tokenizer::Tokenizer(const fs::path& path, const DocumentMarks& marks)
    : implementation_(std::make_unique<Implementation>()) {
  implementation_->file = file_of(path);
  implementation_->read();
  implementation_->mark(marks);
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  return implementation_->model->encode(text, Reading::kText);
}

std::vector<int32_t> Tokenizer::encode_document(std::string_view text) const {
  const auto& end = implementation_->end;
  return implementation_->whole(implementation_->start, encode(text), end ? std::vector{*end} : std::vector<int32_t>{});
}

std::vector<int32_t> Tokenizer::encode_marked(std::string_view text) const {
  return implementation_->model->encode(text, Reading::kMarked);
}

std::vector<int32_t> Tokenizer::encode_by_itself(std::string_view text) const {
  const TokenizerModel& model = *implementation_->model;
  return implementation_->whole(model.before(), encode_marked(text), model.behind());
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  for (const int32_t id : ids) {
    STRATA_CHECK(0 <= id && id < vocab_size(), "cannot decode id ", id, ": the tokenizer has ", vocab_size(),
                 " pieces");
  }
  return implementation_->model->decode(ids);
}

int64_t Tokenizer::vocab_size() const { return implementation_->model->vocab_size(); }
std::optional<int32_t> Tokenizer::bos() const { return implementation_->bos; }
std::optional<int32_t> Tokenizer::eos() const { return implementation_->eos; }
std::optional<int32_t> Tokenizer::pad() const { return implementation_->pad; }
std::optional<int32_t> Tokenizer::unknown() const { return implementation_->model->unknown(); }
std::string Tokenizer::name_of(int32_t id) const { return implementation_->model->name_of(id); }
const std::vector<int32_t>& Tokenizer::start() const { return implementation_->start; }
std::optional<int32_t> Tokenizer::end() const { return implementation_->end; }

int32_t Tokenizer::prefix() const {
  const auto token = bos() ? bos() : eos();
  STRATA_CHECK(token, file().string(), ": names neither a token for the beginning of a document nor one for its end");
  return *token;
}

bool Tokenizer::adds_bos() const { return bos() && implementation_->model->before() == std::vector{*bos()}; }
bool Tokenizer::adds_eos() const { return eos() && implementation_->model->behind() == std::vector{*eos()}; }

bool Tokenizer::splits_at_spaces() const {
  constexpr std::string_view space = "\u2581";  // sentencepiece's sign for one
  const TokenizerModel& model = *implementation_->model;
  if (!is_sentencepiece() || !model.id_of(space)) return false;  // unknown characters in a row become one piece
  for (int32_t id = 0; id < vocab_size(); ++id) {
    if (model.name_of(id).find(space, 1) != std::string::npos) return false;
  }
  // A space is put before a text, and those at its ends and beside others are dropped.
  const std::vector<int32_t> word = encode("a");
  std::vector<int32_t> words = word;
  words.insert(words.end(), word.begin(), word.end());
  return encode(" a\n") == word && encode("a a") == words && encode("a \n\n  a") == words;
}

uint64_t Tokenizer::fingerprint() const { return implementation_->fingerprint; }

std::string Tokenizer::marks_key() const {
  const TokenizerModel& model = *implementation_->model;
  if (is_sentencepiece() && start() == model.before() && end() == eos()) return "";
  std::string key = "marks";
  for (const int32_t id : start()) key += str(' ', id);
  return key + (end() ? str(" ... ", *end()) : " ...");
}

bool Tokenizer::is_sentencepiece() const { return implementation_->is_sentencepiece; }
const fs::path& Tokenizer::file() const { return implementation_->file; }

void warn_of_missing_end(const Tokenizer& tokenizer, const DocumentMarks& marks) {
  if (marks.eos != SpecialToken::kAuto || tokenizer.eos()) return;
  log::warn(str(tokenizer.file().string(),
                ": names no token for the end of a document, so documents end without one (data.eos=false is silent)"));
}

}  // namespace strata::data
