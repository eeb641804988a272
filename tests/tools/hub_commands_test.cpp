// `strata export` and `strata import`: what they say, what they leave, and what they leave alone.
#include "support/golden.h"
#include "support/program.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

namespace strata::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

namespace fs = std::filesystem;

class HubCommands : public testing::Test {
 protected:
  HubCommands() { write_golden_folder({"pre_gpas", "pre+gpas"}, folder_ / "ours"); }

  static Finished strata(const std::vector<std::string>& arguments) {
    Finished finished = run_strata(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return finished;
  }

  void expect_refused(const std::vector<std::string>& arguments, const std::string& message) const {
    const auto before = entries();
    const Finished finished = run_strata(arguments);
    EXPECT_NE(finished.exit_code, 0);
    EXPECT_THAT(finished.err, HasSubstr(message));
    EXPECT_EQ(finished.err.find('\n') + 1, finished.err.size()) << finished.err;
    EXPECT_EQ(entries(), before);
  }

  std::vector<std::string> entries() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
  }

  TempFolder folder_;
};

TEST_F(HubCommands, SayWhatWasFoldedAndHowFarTheLogitsMoved) {
  const Finished finished = strata({"export", folder_ / "ours", "--to", "hf", folder_ / "hf"});
  EXPECT_THAT(finished.out, AllOf(HasSubstr("LlamaForCausalLM"), HasSubstr("pre+gpas, fp32, no tokenizer"),
                                  HasSubstr("product of all that scales the stream: 0.2415"),
                                  HasSubstr("logits of 256 random tokens, before and after")));
  EXPECT_EQ(finished.err, "");
  const Finished half = strata({"export", folder_ / "ours", folder_ / "half", "--dtype", "fp16"});
  EXPECT_THAT(half.err, HasSubstr("the residual stream is 4.14 times as large as in training"));
  write_golden_folder({"post_pre", "mix"}, folder_ / "mix");
  EXPECT_THAT(strata({"export", folder_ / "mix", folder_ / "mix_hf"}).out,
              AllOf(HasSubstr("StrataForCausalLM"), HasSubstr("no stock model: the sum after attention of layer 0")));
}

TEST_F(HubCommands, GoThereAndBack) {
  strata({"export", folder_ / "ours", folder_ / "hf"});
  const Finished finished = strata({"import", folder_ / "hf", folder_ / "back"});
  EXPECT_THAT(finished.out, HasSubstr("parameters, pre, fp32, from " + (folder_ / "hf/model.safetensors").string()));
  write_golden_folder({"pre", "pre"}, folder_ / "plain");
  strata({"export", folder_ / "plain", folder_ / "plain_hf"});
  strata({"import", folder_ / "plain_hf", folder_ / "plain_back"});
  EXPECT_THAT(strata({"inspect", folder_ / "plain", folder_ / "plain_back"}).out,
              HasSubstr("tensors are equal, bit by bit"));
}

TEST_F(HubCommands, ReplaceOnlyWhatTheyAreToldTo) {
  const std::vector<std::string> again{"export", folder_ / "ours", folder_ / "hf"};
  strata(again);
  expect_refused(again, "hf: is there already; --force replaces it");
  write_file(folder_ / "hf/more.txt", "");
  strata({"export", folder_ / "ours", folder_ / "hf", "--force"});
  EXPECT_FALSE(fs::exists(folder_ / "hf/more.txt"));
  write_file(folder_ / "mine/letter.txt", "");
  expect_refused({"export", folder_ / "ours", folder_ / "mine", "--force"}, "is no folder of the kind");
  expect_refused({"export", folder_ / "ours", folder_ / "ours", "--force"}, "is no folder of the kind");
  expect_refused({"import", folder_ / "hf", folder_ / "hf", "--force"}, "is no folder of the kind");
  expect_refused({"export", folder_ / "ours", folder_ / "mine/letter.txt"}, "is there and is not a folder");
}

TEST_F(HubCommands, TakeATokenizerThatFits) {
  STRATA_NEEDS_TEST_DATA();
  const std::string spiece = test_data() / "t5/spiece.model";
  expect_refused({"export", folder_ / "ours", folder_ / "hf", "--tokenizer", spiece},
                 "the tokenizer has 32000 ids, the model only 96");
  write_file(folder_ / "wide.yaml", "model: {hidden: 8, intermediate: 8, layers: 1, heads: 2}\n");
  write_file(folder_ / "text.txt", "the quick brown fox");
  strata({"init", folder_ / "wide.yaml", folder_ / "wide"});
  const Finished finished =
      strata({"export", folder_ / "wide", folder_ / "wide_hf", "--tokenizer", spiece, "--text", folder_ / "text.txt"});
  EXPECT_THAT(finished.out, AllOf(HasSubstr("fp32, with tokenizer"), HasSubstr("logits of 5 tokens of "),
                                  HasSubstr("largest difference 0,")));
  // Both folders bring their tokenizer along.
  strata({"import", folder_ / "wide_hf", folder_ / "back"});
  strata({"generate", folder_ / "wide_hf", "--prompt", "the", "--tokens", "2"});
  strata({"generate", folder_ / "back", "--prompt", "the", "--tokens", "2"});
}

TEST_F(HubCommands, LeaveNothingWhereSomethingIsWrong) {
  expect_refused({"export", folder_ / "none", folder_ / "hf"}, "no such folder");
  expect_refused({"export", folder_ / "ours", folder_ / "hf", "--text", folder_ / "x.txt"},
                 "--text: there is no tokenizer");
  expect_refused({"export", folder_ / "ours", folder_ / "hf", "--tokenizer", folder_ / "x.model"}, "x.model");
  expect_refused({"export", folder_ / "ours", folder_ / "hf", "--to", "gguf"}, "--to");
  expect_refused({"export", folder_ / "ours", folder_ / "hf", "--max-shard-size", "0"}, "--max-shard-size");
  expect_refused({"import", folder_ / "ours", folder_ / "back"}, "has no config.json");
  strata({"export", folder_ / "ours", folder_ / "hf"});
  expect_refused({"import", folder_ / "hf", folder_ / "back", "--scheme", "post"}, "is not post: ");
  fs::resize_file(folder_ / "hf/model.safetensors", 1000);
  expect_refused({"import", folder_ / "hf", folder_ / "back"}, "truncated");
}

}  // namespace
}  // namespace strata::test
