#include "strata/eval/score_file.h"

#include <xxhash.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/io/file.h"

namespace strata::eval {
namespace {

using nlohmann::json;

bool is_score(const json& line) {
  if (!line.is_object()) return false;
  const auto has = [&](const char* key, auto is_kind) { return line.contains(key) && (line[key].*is_kind)(); };
  return has("set", &json::is_string) && has("doc", &json::is_number_integer) &&
         has("requests", &json::is_number_unsigned) && has("log_likelihoods", &json::is_array);
}

std::string header(const std::string& evaluation) { return json{{"evaluation", evaluation}}.dump() + "\n"; }

}  // namespace

uint64_t fingerprint_of(const AskedItem& asked) {
  std::vector<int32_t> ids;
  for (const Request& request : asked.choices) {
    for (const auto& part : {request.context, request.continuation}) {
      ids.push_back(static_cast<int32_t>(part.size()));
      ids.insert(ids.end(), part.begin(), part.end());
    }
  }
  return XXH3_64bits(ids.data(), ids.size() * sizeof(int32_t));
}

ScoreFile::ScoreFile(const std::filesystem::path& path, const std::string& evaluation, workers::Communicator& workers) {
  std::string text;
  if (workers.is_first() && std::filesystem::exists(path)) text = io::read_text(path);
  text = workers::broadcast_text(workers, text);
  const bool is_ours = take(text, evaluation);
  num_found_ = std::ssize(known_);
  if (!workers.is_first()) return;
  if (!is_ours) {
    if (!text.empty()) log::warn(str(path.string(), ": the scores of another evaluation; they are left out"));
    io::write_atomically(path, header(evaluation));
  } else {
    io::write_atomically(path, text.substr(0, text.rfind('\n') + 1));
  }
  file_ = std::make_unique<io::AppendFile>(path);
}

// Whether the text begins as one of this evaluation.
bool ScoreFile::take(const std::string& text, const std::string& evaluation) {
  if (!text.starts_with(header(evaluation))) return false;
  std::istringstream lines(text.substr(0, text.rfind('\n')));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const json found = json::parse(line, nullptr, false);
    if (!is_score(found)) continue;
    known_[{found.at("set"), found.at("doc")}] = {.requests = found.at("requests"),
                                                  .scores = found.at("log_likelihoods")};
  }
  return true;
}

const LogLikelihoods* ScoreFile::find(const std::string& set, int64_t item, const AskedItem& asked) const {
  const auto found = known_.find({set, item});
  const bool is_it = found != known_.end() && found->second.requests == fingerprint_of(asked);
  return is_it ? &found->second.scores : nullptr;
}

void ScoreFile::add(const std::string& set, int64_t item, const AskedItem& asked, const LogLikelihoods& scores) {
  if (!file_) return;
  const json line{{"set", set}, {"doc", item}, {"requests", fingerprint_of(asked)}, {"log_likelihoods", scores}};
  file_->append(line.dump() + "\n");
}

void ScoreFile::remove() {
  if (!file_) return;
  const std::filesystem::path path = file_->path();
  file_.reset();
  std::filesystem::remove(path);
}

}  // namespace strata::eval
