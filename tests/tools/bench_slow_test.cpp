// `strata doctor` and `strata bench`: they run and name what they measured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/base/check.h"
#include "strata/kernels/gemm.h"
#include "support/program.h"
#include "support/temp_folder.h"

namespace strata::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

// Every library is named: with a rate if it is there, else with the package that brings it.
TEST(Doctor, NamesEveryMatrixLibrary) {
  const Finished finished = run_strata({"doctor"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  for (const std::string& name : kernels::available_gemms()) {
    EXPECT_THAT(finished.out, ContainsRegex(name + " +[0-9]+ GFLOP/s"));
  }
  for (const kernels::MissingGemm& missing : kernels::missing_gemms()) {
    EXPECT_THAT(finished.out, HasSubstr("apt-get install " + missing.package));
  }
  EXPECT_THAT(finished.out, AllOf(HasSubstr("run.gemm: auto"), HasSubstr("libtorch"), HasSubstr("cuda")));
}

TEST(Bench, StepShowsWhereItsTimeGoes) {
  const TempFolder folder;
  write_file(folder / "tiny.yaml",
             "model: {vocab: 50, hidden: 16, intermediate: 24, layers: 3, heads: 2}\n"
             "data: {sequence_length: 16}\nrun: {gemm: aten}\n");
  write_file(folder / "ids.json", "[[1, 2, 3, 4], [5, 6, 7]]");
  const Finished random = run_strata({"bench", "step", folder / "tiny.yaml", "--rows", "3", "--steps", "2"});
  EXPECT_EQ(random.exit_code, 0) << random.err;
  EXPECT_THAT(random.out, AllOf(HasSubstr("3 rows"), HasSubstr("median of 2"), HasSubstr("aten")));
  for (const char* phase : {"gemm q k v o", "gemm feed-forward", "gemm head", "attention", "junctions", "other"}) {
    EXPECT_THAT(random.out, ContainsRegex(str("\n", phase, " +[0-9.]+ +[0-9.]+ %"))) << phase;
  }
  const Finished given = run_strata({"bench", "step", folder / "tiny.yaml", "--ids", folder / "ids.json"});
  EXPECT_THAT(given.out, HasSubstr("2 rows, 7 tokens")) << given.err;
}

TEST(Bench, GemmMeasuresEveryLibrary) {
  const Finished finished = run_strata({"bench", "gemm"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  for (const std::string& name : kernels::available_gemms()) {
    EXPECT_THAT(finished.out, ContainsRegex("\n" + name + "( +[0-9]+){6}\n"));
  }
}

}  // namespace
}  // namespace strata::test
