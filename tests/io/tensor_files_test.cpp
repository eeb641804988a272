#include "strata/io/tensor_files.h"

#include <ATen/ops/full.h>

#include "strata/base/check.h"
#include "support/temp_folder.h"

namespace strata::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class TwoFiles : public testing::Test {
 protected:
  TwoFiles() {
    write_safetensors(folder_ / "a", {{"layer.0", at::full({2}, 0.0)}, {"layer.1", at::full({2}, 1.0)}});
    write_safetensors(folder_ / "b", {{"layer.2", at::full({2}, 2.0)}});
  }

  test::TempFolder folder_;
};

TEST_F(TwoFiles, AreOneSetOfNames) {
  const TensorFiles files(std::vector<std::filesystem::path>{folder_ / "a", folder_ / "b"});
  EXPECT_THAT(files.names(), ElementsAre("layer.0", "layer.1", "layer.2"));
  EXPECT_EQ(files.tensor("layer.2")[0].item<float>(), 2.0F);
  EXPECT_EQ(files.file_of("layer.2"), folder_ / "b");
  EXPECT_EQ(files.shown(), (folder_ / "a").string() + " and 1 more");
  EXPECT_THAT([&] { files.info("layer.3"); }, ThrowsMessage<Error>(HasSubstr("no tensor \"layer.3\"; did you mean")));
}

// A model with one layer left out, and one whose tensor has two names.
TEST_F(TwoFiles, CanBeSeenUnderOtherNames) {
  const TensorFiles files(std::vector<std::filesystem::path>{folder_ / "a", folder_ / "b"});
  const TensorFiles shorter = files.under({{"layer.0", "layer.1"}, {"layer.1", "layer.2"}, {"head", "layer.2"}});
  EXPECT_THAT(shorter.names(), ElementsAre("head", "layer.0", "layer.1"));
  EXPECT_EQ(shorter.tensor("layer.0")[0].item<float>(), 1.0F);
  EXPECT_TRUE(shorter.tensor("head").equal(shorter.tensor("layer.1")));
  EXPECT_FALSE(shorter.contains("layer.2"));
  EXPECT_EQ(shorter.under({{"again", "layer.1"}}).tensor("again")[0].item<float>(), 2.0F);
  EXPECT_THAT([&] { files.under({{"layer.0", "none"}}); }, ThrowsMessage<Error>(HasSubstr("no tensor \"none\"")));
}

TEST_F(TwoFiles, ThatShareATensorAreRefused) {
  write_safetensors(folder_ / "b", {{"layer.1", at::full({2}, 2.0)}});
  EXPECT_THAT(
      [&] {
        TensorFiles(std::vector<std::filesystem::path>{folder_ / "a", folder_ / "b"});
      },
      ThrowsMessage<Error>(HasSubstr("b: tensor \"layer.1\" is in a too")));
}

TEST_F(TwoFiles, HaveAChecksumOfBoth) {
  const auto sum = [&](const std::vector<std::filesystem::path>& files) { return TensorFiles(files).checksum(); };
  const uint64_t before = sum({folder_ / "a", folder_ / "b"});
  EXPECT_NE(before, sum({folder_ / "a"}));
  write_safetensors(folder_ / "b", {{"layer.2", at::full({2}, 3.0)}});
  EXPECT_NE(before, sum({folder_ / "a", folder_ / "b"}));
}

}  // namespace
}  // namespace strata::io
