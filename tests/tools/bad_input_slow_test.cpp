// What users get wrong: every mistake gives one line that names the place and what is wrong there, and leaves nothing.
#include <cstring>
#include <set>

#include "strata/base/text.h"
#include "strata/nn/model_folder.h"
#include "support/models.h"
#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Fragments = std::vector<std::string>;

config::RunConfig tiny_config(const std::string& scheme) {
  config::RunConfig config;
  config.model = tiny_dims();
  config.norm.scheme = scheme;
  return config;
}

void save_model(const std::string& scheme, const std::filesystem::path& folder) {
  const config::RunConfig config = tiny_config(scheme);
  TestModel made(nn::describe(config.model, config.norm), tiny_options());
  nn::save_model_folder(config, made.model.parameters(), folder);
}

// A safetensors file with this header, right or wrong.
std::string safetensors(const std::string& header, size_t data_bytes, uint64_t length) {
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + std::string(data_bytes, '\0');
}

std::string safetensors(const std::string& header, size_t data_bytes) {
  return safetensors(header, data_bytes, header.size());
}

std::string with_replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

class BadInput : public testing::Test {
 protected:
  BadInput() {
    save_model("sandwich", model_);
    write_file(ids_, "[[1, 2, 3], [4, 5]]");
  }

  std::set<std::filesystem::path> files() const {
    std::set<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) found.insert(entry.path());
    return found;
  }

  void expect_refused(const std::vector<std::string>& arguments, int exit_code, const Fragments& fragments) const {
    SCOPED_TRACE(join(arguments, " "));
    const auto before = files();
    const Finished finished = run_strata(arguments);
    EXPECT_EQ(finished.exit_code, exit_code);
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.err, StartsWith("error: "));
    EXPECT_EQ(finished.err.find('\n') + 1, finished.err.size()) << finished.err;
    for (const std::string& fragment : fragments) EXPECT_THAT(finished.err, HasSubstr(fragment));
    EXPECT_EQ(files(), before);
  }

  std::vector<std::string> trace(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"trace", model_, "--ids", ids_, "--out", folder_ / "out.safetensors"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  void expect_config_refused(const std::string& content, int line, Fragments fragments) const {
    const std::string file = folder_ / "x.yaml";
    write_file(file, content);
    fragments.push_back(str("error: ", file, ":", line, ": "));
    expect_refused({"inspect", file}, kWrongUsage, fragments);
  }

  // The model's weights are replaced by these bytes.
  void expect_weights_refused(const std::string& bytes, Fragments fragments) const {
    write_file(weights_, bytes);
    fragments.push_back("error: " + weights_.string() + ": ");
    expect_refused(trace(), kFailed, fragments);
  }

  void expect_ids_refused(const std::string& content, Fragments fragments) const {
    write_file(ids_, content);
    fragments.push_back("error: " + ids_.string());
    expect_refused(trace(), kFailed, fragments);
  }

  const TempFolder folder_;
  const std::filesystem::path model_ = folder_ / "model";
  const std::filesystem::path weights_ = model_ / "model.safetensors";
  const std::filesystem::path config_ = model_ / "config.yaml";
  const std::filesystem::path ids_ = folder_ / "ids.json";
};

// Otherwise the refusals below could have another reason.
TEST_F(BadInput, IsNotWhatTheOthersStartFrom) { EXPECT_EQ(run_strata(trace()).exit_code, 0); }

TEST_F(BadInput, InTheCommandLine) {
  const Finished alone = run_strata({});
  EXPECT_EQ(alone.exit_code, kWrongUsage);
  EXPECT_EQ(alone.out, "");
  for (const char* part : {"Train:", "pretrain", "Look:", "inspect"}) EXPECT_THAT(alone.err, HasSubstr(part));
  expect_refused({"train"}, kWrongUsage, {"unknown command \"train\"; it is called \"pretrain\" here"});
  expect_refused({"Pretrian"}, kWrongUsage, {"did you mean \"pretrain\"?"});
  expect_refused({"help", "evaluate"}, kWrongUsage, {"it is called \"eval\" here"});
  EXPECT_THAT(run_strata({"help", "eval"}).out, HasSubstr("--tasks"));
  EXPECT_THAT(run_strata({"-V"}).out, StartsWith("strata "));
  expect_refused({"trac"}, kWrongUsage, {"unknown command \"trac\"", "did you mean \"trace\"?", "inspect"});
  expect_refused({"trace", model_, "--ids", ids_}, kWrongUsage, {"--out is required", "strata trace --help"});
  expect_refused(trace({"--gradient"}), kWrongUsage, {"--gradient", "strata trace --help"});
  expect_refused(trace({"--precision", "fp8"}), kWrongUsage, {"--precision", "fp8", "fp32", "bf16"});
}

TEST_F(BadInput, InConfigKeysAndValues) {
  expect_config_refused("model:\n  hiden: 64\n", 2, {"model.hiden: unknown key", "did you mean \"hidden\"?"});
  expect_config_refused("model:\n  hidden: wide\n", 2, {"model.hidden: expected integer, got wide"});
  expect_config_refused("model:\n  layers: 0\n", 2, {"model.layers: must be ", "got 0"});
  expect_config_refused("model:\n  layers: 2\n  heads: 7\n", 3,
                        {"model.heads: 7 does not divide model.hidden=512; 4 and 8 do"});
  expect_config_refused("model:\n  layers: 2\n  layers: 3\n", 3, {"layers: given twice"});
  expect_refused({"inspect", folder_ / "none.yaml"}, kWrongUsage, {"none.yaml: No such file"});
  write_file(folder_ / "y.yaml", "");
  expect_refused({"inspect", folder_ / "y.yaml", "model.layers=0"}, kWrongUsage, {"override \"model.layers=0\": "});
}

TEST_F(BadInput, InTheScheme) {
  expect_config_refused("norm:\n  scheme: sandwhich\n", 2,
                        {"norm.scheme: unknown scheme \"sandwhich\"; did you mean \"sandwich\"? (known: completep "});
  expect_config_refused("norm:\n  scheme: mix\n  options: {post_shar: 0.5}\n", 3,
                        {"norm.options.post_shar: unknown option", "did you mean \"post_share\"?"});
  expect_config_refused("norm:\n  scheme: mix\n  options: {post_share: 2}\n", 3, {"norm.options.post_share: is 2"});
  expect_config_refused("norm:\n  scheme: post+gpas\n  gpas: {position: input}\n", 3,
                        {"norm.gpas.position: input: under a scheme that normalises its sums", "auto gates the skip"});
  expect_config_refused("norm: {scheme: hybrid}\nmodel: {qk_norm: full}\n", 2,
                        {"model.qk_norm: is full; the scheme brings norms on queries and keys of its own: head"});
  expect_config_refused("norm: {scheme: dyt}\nmodel: {head_dim: 5}\n", 2, {"model.head_dim: is 5", "even width"});
}

TEST_F(BadInput, InACyclicBase) {
  write_file(folder_ / "base.yaml", "base: x.yaml\n");
  write_file(folder_ / "x.yaml", "base: base.yaml\n");
  expect_refused({"inspect", folder_ / "x.yaml"}, kWrongUsage, {"base.yaml:1: base: leads back to itself"});
}

TEST_F(BadInput, InAModelFolder) {
  const std::string missing = folder_ / "none";
  expect_refused({"trace", missing, "--ids", ids_, "--out", folder_ / "o"}, kWrongUsage,
                 {missing + ": no such folder"});
  expect_refused({"inspect", missing}, kWrongUsage, {missing + ": No such file"});
  write_file(config_, with_replaced(read_file(config_), "scheme: sandwich", "scheme: sandwhich"));
  expect_refused(trace(), kWrongUsage, {config_.string() + ":", "norm.scheme: unknown scheme \"sandwhich\""});
  std::filesystem::remove(config_);
  expect_refused(trace(), kFailed, {model_.string() + ": is not a model folder (no config.yaml and no config.json)"});
  std::filesystem::remove(weights_);
  expect_refused(trace(), kFailed, {model_.string() + ": has no model.safetensors"});
}

TEST_F(BadInput, InAHuggingFaceConfig) {
  std::filesystem::remove(config_);
  const std::string file = model_ / "config.json";
  write_file(file, R"({"model_type": "gpt2"})");
  expect_refused(trace(), kFailed, {file + ": model_type is \"gpt2\", Strata computes llama, qwen3, olmo2"});
  write_file(file, R"({"model_type": "llama"})");
  expect_refused(trace(), kFailed, {file + ": has no vocab_size"});
  write_file(file, R"({"vocab_size": 1, "vocab_size": 2})");
  expect_refused(trace(), kFailed, {file + ":1: the key \"vocab_size\" occurs twice"});
  write_file(file, R"({"vocab_size": 61, "hidden_size": 40, "intermediate_size": 56, "num_hidden_layers": 4,
                       "num_attention_heads": 3})");
  expect_refused(trace(), kWrongUsage, {file + ": model.heads: 3 does not divide model.hidden=40"});
}

TEST_F(BadInput, InWeightsOfAnotherModel) {
  save_model("pre", folder_ / "pre");
  std::filesystem::copy_file(folder_ / "pre/config.yaml", config_, std::filesystem::copy_options::overwrite_existing);
  expect_refused(trace(), kFailed, {weights_.string(), "does not belong to this model; is its scheme another one?"});
  save_model("sandwich", model_);
  expect_weights_refused(read_file(folder_ / "pre/model.safetensors"), {"has no tensor model.layers.0."});
  save_model("sandwich", model_);
  write_file(config_,
             with_replaced(read_file(config_), "hidden: 40", "hidden: 1048560"));  // more than any memory holds
  expect_weights_refused(read_file(weights_), {"model.embed_tokens.weight has shape [61, 40]", "[61, 1048560]"});
}

TEST_F(BadInput, InABrokenSafetensorsFile) {
  const std::string a = R"("a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})";
  const std::string b = R"("b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]})";
  const std::string whole = read_file(weights_);
  expect_weights_refused("", {"truncated: 0 bytes"});
  expect_weights_refused(whole.substr(0, 4), {"truncated: 4 bytes"});
  expect_weights_refused(whole.substr(0, 100), {"truncated: a header of "});
  expect_weights_refused(whole.substr(0, whole.size() - 1), {"truncated: data_offsets"});
  expect_weights_refused(whole + '\0', {"1 bytes behind the last tensor"});
  expect_weights_refused(safetensors("{" + a + "}", 8, uint64_t{1} << 60), {"a header of 1152921504606846976 bytes"});
  expect_weights_refused(safetensors("{" + a + ", " + b + "}", 12), {"tensor \"b\": overlaps \"a\""});
  expect_weights_refused(safetensors("{" + a + ", " + a + "}", 8), {"the key \"a\" occurs twice"});
}

TEST_F(BadInput, InIds) {
  expect_ids_refused("[[1, 61]]", {"id 61 at row 0, position 1 is outside the vocabulary of 61"});
  expect_ids_refused("[[1, -1]]", {"id -1 at row 0, position 1"});
  expect_ids_refused("[[1, 9223372036854775808]]", {"row 0, position 1: 9223372036854775808 is not a whole number"});
  expect_ids_refused("[[1, 2.5]]", {"row 0, position 1: 2.5 is not a whole number"});
  expect_ids_refused("[[1, 2], []]", {"row 1 is empty"});
  expect_ids_refused("[]", {"at least one row"});
  expect_ids_refused("[1, 2]", {"row 0 is not an array"});
  expect_ids_refused("{}", {"is not a JSON array of rows"});
  expect_ids_refused("[[1, 2]\n[3]]", {":2: "});
  std::filesystem::remove(ids_);
  expect_refused(trace(), kWrongUsage, {"there is no file " + ids_.string()});
}

TEST_F(BadInput, InLabels) {
  const std::string labels = folder_ / "labels.json";
  const auto expect_labels_refused = [&](const std::string& content, const std::string& message) {
    write_file(labels, content);
    expect_refused(trace({"--labels", labels, "--gradients"}), kFailed, {labels + ": ", message});
  };
  expect_labels_refused("[[1, 2, 3]]", "labels have 1 rows, ids have 2");
  expect_labels_refused("[[1, 2, 3], [4]]", "row 1 has 2 ids but 1 labels");
  expect_labels_refused("[[1, 2, 61], [4, 5]]", "label 61 at row 0, position 2");
  expect_labels_refused("[[-100, -100, -100], [-100, -100]]", "no position has a label");
}

TEST_F(BadInput, InTheOutput) {
  const std::string nowhere = folder_ / "none/out.safetensors";
  expect_refused({"trace", model_, "--ids", ids_, "--out", nowhere}, kFailed,
                 {"cannot write " + nowhere + ": No such file"});
  expect_refused({"trace", model_, "--ids", ids_, "--out", model_}, kFailed, {"cannot write " + model_.string()});
}

}  // namespace
}  // namespace strata::test
