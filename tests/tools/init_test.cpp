// `strata init`: schemes that are compared start from the same weights.
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "strata/io/safetensors.h"
#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

constexpr int64_t kLayers = 3;

class Init : public testing::Test {
 protected:
  Init() {
    write_file(folder_ / "tiny.yaml", "model: {vocab: 50, hidden: 16, intermediate: 24, layers: 3, heads: 2}\n");
  }

  Finished init(const std::string& name, const std::vector<std::string>& overrides) {
    std::vector<std::string> command{"init", folder_ / "tiny.yaml", folder_ / name};
    command.insert(command.end(), overrides.begin(), overrides.end());
    return run_strata(command);
  }

  std::filesystem::path weights(const std::string& name) const { return folder_ / name / "model.safetensors"; }

  io::SafetensorsFile initialised(const std::string& name, const std::vector<std::string>& overrides) {
    const Finished finished = init(name, overrides);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return io::SafetensorsFile::open(weights(name));
  }

  const TempFolder folder_;
};

TEST_F(Init, TwiceGivesEqualBytesAndAnotherSeedOthers) {
  initialised("a", {"norm.scheme=pre+gpas"});
  initialised("b", {"norm.scheme=pre+gpas"});
  initialised("c", {"norm.scheme=pre+gpas", "run.seed=43"});
  EXPECT_EQ(read_file(weights("a")), read_file(weights("b")));
  EXPECT_NE(read_file(weights("a")), read_file(weights("c")));
}

TEST_F(Init, TensorsThatTwoSchemesShareAreEqual) {
  const auto pre = initialised("pre", {"norm.scheme=pre"});
  const auto sandwich = initialised("sandwich", {"norm.scheme=sandwich+gpas"});
  EXPECT_GT(sandwich.names().size(), pre.names().size());
  for (const std::string& name : pre.names()) {
    EXPECT_TRUE(at::equal(pre.tensor(name), sandwich.tensor(name))) << name;
  }
}

// o and down start smaller by 1 / sqrt(2 L), everything else as it is.
TEST_F(Init, ScaledInitDiffersByItsFactorOnly) {
  const auto pre = initialised("pre", {"norm.scheme=pre"});
  const auto scaled = initialised("scaled", {"norm.scheme=scaled_init"});
  int smaller = 0;
  for (const std::string& name : pre.names()) {
    if (name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight")) {
      const double factor = 1.0 / std::sqrt(2.0 * kLayers);
      EXPECT_TRUE(at::allclose(scaled.tensor(name), pre.tensor(name) * factor, 1e-5, 1e-9)) << name;
      ++smaller;
    } else {
      EXPECT_TRUE(at::equal(scaled.tensor(name), pre.tensor(name))) << name;
    }
  }
  EXPECT_EQ(smaller, 2 * kLayers);
}

// A trained model must survive a repeated command line.
TEST_F(Init, OverwritesNothing) {
  initialised("a", {});
  const std::string before = read_file(weights("a"));
  const Finished again = init("a", {"run.seed=43"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, testing::HasSubstr("model.safetensors: is there already"));
  EXPECT_EQ(read_file(weights("a")), before);
}

TEST_F(Init, FolderCanBeInspectedAndTraced) {
  initialised("a", {"norm.scheme=lns+gpas"});
  EXPECT_EQ(run_strata({"inspect", folder_ / "a"}).exit_code, 0);
  write_file(folder_ / "ids.json", "[[1, 2, 3], [4, 5]]");
  const Finished traced =
      run_strata({"trace", folder_ / "a", "--ids", folder_ / "ids.json", "--out", folder_ / "out.safetensors"});
  EXPECT_EQ(traced.exit_code, 0) << traced.err;
}

}  // namespace
}  // namespace strata::test
