// strata pretrain on ids that other programs wrote: the losses of the same ids from text, without a tokenizer.
#include <nlohmann/json.hpp>

#include "strata/data/source.h"
#include "support/data_fixtures.h"
#include "support/small_run.h"
#include "support/token_files.h"

namespace strata::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TokenFileRun : public testing::Test, protected SmallRun {
 protected:
  // The documents of a file of JSON lines as Megatron's pair of files.
  void write_megatron(const std::string& jsonl, const std::string& name) {
    std::string ids;
    std::vector<int32_t> lengths;
    std::vector<int64_t> documents{0};
    data::DocumentReader reader({.name = jsonl, .files = {folder_ / jsonl}}, {});
    for (std::string text; reader.next(text);) {
      const std::vector<int32_t> document = data::test::small_tokenizer()->encode_document(text);
      const std::vector<uint16_t> narrow(document.begin(), document.end());
      ids.append(reinterpret_cast<const char*>(narrow.data()), narrow.size() * sizeof narrow[0]);
      lengths.push_back(static_cast<int32_t>(document.size()));
      documents.push_back(std::ssize(lengths));
    }
    write_file(folder_ / (name + ".bin"), ids);
    write_file(folder_ / (name + ".idx"), megatron_index(8, 2, lengths, documents));
  }

  std::vector<std::string> on_tokens(const std::string& train) const {
    return {"data.tokenizer=\"\"", "data.train=[" + (folder_ / train).string() + "]",
            "data.validation=[" + (folder_ / "valid.bin").string() + "]", "data.rows=packed"};
  }

  std::vector<double> losses(const std::string& run) const {
    std::vector<double> found;
    std::istringstream lines(read_file(folder_ / run / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      found.push_back(nlohmann::json::parse(line).at("loss").get<double>());
    }
    return found;
  }
};

TEST_F(TokenFileRun, HasTheLossesOfTheSameText) {
  write_megatron("a.jsonl", "a");
  write_megatron("valid.jsonl", "valid");
  const auto text = pretrain("text", {"data.train=[" + (folder_ / "a.jsonl").string() + "]", "data.rows=packed"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  const auto tokens = pretrain("tokens", on_tokens("a.bin"));
  ASSERT_EQ(tokens.exit_code, 0) << tokens.err;
  EXPECT_EQ(losses("text").size(), 9U);
  EXPECT_EQ(losses("tokens"), losses("text"));
  EXPECT_EQ(read_file(folder_ / "tokens/eval.jsonl").empty(), false);
}

TEST_F(TokenFileRun, SaysInOneLineWhatIsMissingOrWrong) {
  write_megatron("a.jsonl", "a");
  write_megatron("valid.jsonl", "valid");
  write_file(folder_ / "gpt2.bin", llm_c_file<uint16_t>({50256, 1, 2, 3}));
  const auto beyond = pretrain("run", on_tokens("gpt2.bin"));
  EXPECT_EQ(beyond.exit_code, kFailed);
  EXPECT_THAT(beyond.err, HasSubstr("gpt2.bin: id number 0 is 50256, which is none of model.vocab=200\n"));
  auto uncounted = on_tokens("a.bin");
  uncounted.push_back("model.vocab=auto");
  const auto without = pretrain("run", uncounted);
  EXPECT_EQ(without.exit_code, kWrongUsage);
  EXPECT_THAT(without.err, HasSubstr("model.vocab: auto counts what data.tokenizer has"));
  const auto mixed = pretrain("run", {"data.tokenizer=\"\"", "data.train=[" + (folder_ / "a.jsonl").string() + "]"});
  EXPECT_EQ(mixed.exit_code, kWrongUsage);
  EXPECT_THAT(mixed.err, HasSubstr("data.tokenizer: names no sentencepiece model"));
}

}  // namespace
}  // namespace strata::test
