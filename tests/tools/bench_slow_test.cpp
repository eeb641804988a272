// `strata doctor` and `strata bench`: they run and name what they measured.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/base/check.h"
#include "strata/kernels/cuda.h"
#include "strata/kernels/gemm.h"
#include "strata/workers/store.h"
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
  EXPECT_THAT(finished.out, AllOf(HasSubstr("run.gemm: auto"), HasSubstr("libtorch")));
  EXPECT_THAT(finished.out, AllOf(ContainsRegex("\ngloo +/.*libgloo"), ContainsRegex("\nnccl +(there|missing: )"),
                                  ContainsRegex("\ngpus +[0-9n]")));
}

// What was chosen is remembered, once for each use; a choice is made anew where that is asked for.
TEST(Doctor, ChoosesTheMatrixLibraryAnew) {
  const TempFolder cache;
  const auto doctor = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command{"env", str("XDG_CACHE_HOME=", cache.path().string())};
    std::vector<std::string> words{"doctor"};
    words.insert(words.end(), more.begin(), more.end());
    for (const std::string& word : strata_command(words)) command.push_back(word);
    const Finished finished = run_program(command);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return finished.out;
  };
  const std::string chosen = doctor({});
  for (const char* use : {"small fp32", "larger fp32", "small bf16", "larger bf16"}) {
    EXPECT_THAT(chosen, ContainsRegex(str("run.gemm: auto takes it for .*", use)));
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(cache / "strata")) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 4U);
  for (const auto& file : files) {
    EXPECT_THAT(read_file(file), AllOf(HasSubstr(" threads | torch "), ContainsRegex("^(aten|blis|openblas|tiles) ")));
    write_file(file, "tiles 1000000\n");
  }
  EXPECT_THAT(doctor({}), ContainsRegex("tiles.*takes it for small fp32, larger fp32, small bf16, larger bf16"));
  doctor({"--choose-gemm"});
  for (const auto& file : files) EXPECT_THAT(read_file(file), HasSubstr(" threads | torch "));
}

// A choice that was made while the machine was busy is made anew once the library shows itself faster.
TEST(Doctor, DoesNotKeepAChoiceOfABusyMachine) {
  const TempFolder cache;
  const auto doctor = [&] {
    std::vector<std::string> command{"env", str("XDG_CACHE_HOME=", cache.path().string())};
    for (const std::string& word : strata_command({"doctor"})) command.push_back(word);
    return run_program(command).exit_code;
  };
  ASSERT_EQ(doctor(), 0);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(cache / "strata")) files.push_back(entry.path());
  for (const auto& file : files) write_file(file, "tiles 0.001\n");
  ASSERT_EQ(doctor(), 0);
  for (const auto& file : files) EXPECT_THAT(read_file(file), HasSubstr(" threads | torch "));
}

// What this build has for GPUs is known where there is none; and that nobody has seen it run.
TEST(Doctor, SaysWhatThereIsForGpus) {
  const kernels::CudaBuild build = kernels::cuda_build();
  const Finished finished = run_strata({"doctor"});
  EXPECT_THAT(finished.out, ContainsRegex("\ncuda +this build has (no )?CUDA kernels"));
  EXPECT_THAT(finished.out, HasSubstr(build.problem.empty() ? "kernels for " + build.architectures : build.problem));
  EXPECT_THAT(finished.out, AllOf(HasSubstr("untested"), HasSubstr("scripts/gpu_check.sh is what to run")));
}

TEST(Bench, KernelsAreMeasuredBesideACopy) {
  const std::vector<std::string> sizes{"--tokens", "64", "--hidden", "32",  "--intermediate", "48",
                                       "--heads",  "2",  "--vocab",  "100", "--device",       "cpu"};
  for (const char* precision : {"fp32", "bf16"}) {
    std::vector<std::string> command{"bench", "kernels", "--precision", precision};
    command.insert(command.end(), sizes.begin(), sizes.end());
    const Finished finished = run_strata(command);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    for (const char* moved :
         {"junction +64 x 32", "junction, backward +64 x 32", "junction with a branch norm +64 x 32",
          "rotary +64 x 4 x 16", "swiglu +64 x 48", "swiglu, backward +64 x 48",
          "cross-entropy and its gradient +256 x 100", "gather of rows +64 x 32", "embedding, backward +64 x 32",
          "sums of squares +[0-9]+", "adam, fp32 +[0-9]+", "adam, mixed +[0-9]+", "adam, bf16 +[0-9]+"}) {
      EXPECT_THAT(finished.out, ContainsRegex(str("\n", moved, " +[0-9.]+ +[0-9.]+ GB/s +[0-9.]+ %\n"))) << precision;
    }
    EXPECT_THAT(finished.out, ContainsRegex("\nattention +64 x 2 x 16 +[0-9.]+ +[0-9.e-]+ TFLOP/s +-\n"));
    EXPECT_THAT(finished.out, ContainsRegex("\nattention, backward +64 x 2 x 16 +[0-9.]+ +[0-9.e-]+ TFLOP/s +-\n"));
  }
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

TEST(Bench, ReadingCountsWhatItReads) {
  const TempFolder folder;
  write_file(folder / "a.jsonl", "{\"text\": \"one\"}\n{\"text\": 2}\n");
  write_file(folder / "b.csv", "n,text\n1,three\n");
  const Finished finished = run_strata({"bench", "reading", "--skip-bad", folder / "a.jsonl", folder / "b.csv"});
  EXPECT_THAT(finished.out, ContainsRegex("^2 documents, 8 bytes of text, 1 bad; [0-9.]+ MB/s\n$"));
  EXPECT_EQ(run_strata({"bench", "reading", folder / "a.jsonl"}).exit_code, kFailed);
}

TEST(Bench, GemmMeasuresEveryLibrary) {
  const Finished finished = run_strata({"bench", "gemm"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  for (const std::string& name : kernels::available_gemms()) {
    EXPECT_THAT(finished.out, ContainsRegex("\n" + name + "( +[0-9]+){6}\n"));
  }
}

TEST(Bench, CollectivesMeasuresAmongTheWorkersThatTheEnvironmentTellsOf) {
  const workers::Store store = workers::Store::serve(0);
  const auto worker = [&](int rank) {
    const std::vector<std::string> bench{"bench", "collectives", "--largest", "2", "--repeats", "1"};
    std::vector<std::string> command{"env",
                                     str("RANK=", rank),
                                     "WORLD_SIZE=2",
                                     str("LOCAL_RANK=", rank),
                                     "LOCAL_WORLD_SIZE=2",
                                     "MASTER_ADDR=127.0.0.1",
                                     str("MASTER_PORT=", store.port()),
                                     "TORCHELASTIC_USE_AGENT_STORE=True"};
    for (const std::string& word : strata_command(bench)) command.push_back(word);
    return command;
  };
  Program second(worker(1));
  const Finished first = run_program(worker(0));
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("2 workers over gloo"), ContainsRegex("\n1.0 MB( +[0-9]+\\.[0-9]+){3}\n"),
                               ContainsRegex("\n2.0 MB( +[0-9]+\\.[0-9]+){3}\n")));
  const Finished other = second.wait();
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_EQ(other.out, "");
}

TEST(Bench, CollectivesNeedsSeveralWorkers) {
  const Finished alone = run_strata({"bench", "collectives"});
  EXPECT_EQ(alone.exit_code, kWrongUsage);
  EXPECT_THAT(alone.err, HasSubstr("bench collectives: there is one worker; strata launch"));
}

}  // namespace
}  // namespace strata::test
