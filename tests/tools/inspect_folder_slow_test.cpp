// `strata inspect` of a checkpoint, and of two model folders.
#include "strata/base/check.h"
#include "support/small_run.h"

namespace strata::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class InspectFolder : public testing::Test {
 protected:
  InspectFolder() {
    const Finished made = run_.pretrain("run", {"train.stop_after=4", "checkpoint.every=1"});
    if (made.exit_code != 0) throw Error(made.err);
  }

  std::string checkpoint(int64_t step) const { return run_.checkpoint("run", step); }

  const SmallRun run_;
};

TEST_F(InspectFolder, ACheckpointIsVerifiedAndTold) {
  const Finished finished = run_strata({"inspect", checkpoint(4)});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("# checkpoint of step 4: every file is as it was saved\n"));
  EXPECT_THAT(finished.out, HasSubstr("next: epoch 0, row 48; seed 42, 0 updates skipped"));
  EXPECT_THAT(finished.out, HasSubstr("#   optimizer-1-of-1.safetensors"));

  const std::string state = checkpoint(4) + "/state.json";
  write_file(state, read_file(state) + " ");
  const Finished damaged = run_strata({"inspect", checkpoint(4)});
  EXPECT_EQ(damaged.exit_code, kFailed);
  EXPECT_EQ(damaged.err, "error: " + state + ": has another size than when it was saved\n");
  std::filesystem::remove(checkpoint(4) + "/manifest.json");
  EXPECT_EQ(run_strata({"inspect", checkpoint(4)}).exit_code, kFailed);
}

TEST_F(InspectFolder, TwoFoldersAreCompared) {
  const Finished same = run_strata({"inspect", checkpoint(3), checkpoint(3)});
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_THAT(same.out, HasSubstr(" tensors are equal, bit by bit\n"));

  const Finished steps = run_strata({"inspect", checkpoint(3), checkpoint(4)});
  EXPECT_EQ(steps.exit_code, kFailed);
  EXPECT_THAT(steps.out, HasSubstr(" tensors differ, 0 are equal\n  first    model.embed_tokens.weight ["));
  EXPECT_THAT(steps.out, testing::ContainsRegex("  largest  .* \\[[0-9, ]+\\]: .* and .*, by "));

  ASSERT_EQ(run_strata({"init", run_.config(), run_ / "pre", "norm.scheme=pre"}).exit_code, 0);
  ASSERT_EQ(run_strata({"init", run_.config(), run_ / "wide", "norm.scheme=pre", "model.intermediate=64"}).exit_code,
            0);
  const Finished schemes = run_strata({"inspect", checkpoint(3), run_ / "pre"});
  EXPECT_THAT(schemes.out, HasSubstr("norm.scheme"));
  EXPECT_THAT(schemes.out, HasSubstr("gpas_block.gate"));
  EXPECT_THAT(schemes.out, HasSubstr("is only in " + checkpoint(3)));
  const Finished widths = run_strata({"inspect", run_ / "pre", run_ / "wide"});
  EXPECT_THAT(widths.out, HasSubstr("has shapes [48, 32] and [64, 32]"));
  EXPECT_THAT(widths.out, StartsWith("config\n  model.intermediate   48   64\n"));

  EXPECT_EQ(run_strata({"inspect", checkpoint(3), "model.layers=3"}).exit_code, kWrongUsage);
  EXPECT_EQ(run_strata({"inspect", checkpoint(3), checkpoint(3), checkpoint(4)}).exit_code, kWrongUsage);
}

}  // namespace
}  // namespace strata::test
