// The commands: collects them, runs one, and turns what it throws into a line and an exit code.
#include <malloc.h>

#include <exception>

#include "answers.h"
#include "command.h"
#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/lost_mapping.h"

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

// A message may carry a stack trace behind its first line.
std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

// Large blocks go back to the system as soon as they are freed, so that what is resident is what is in use.
void return_large_blocks() {
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

// `strata --write-answers FILE`, for the build: see answers.h.
bool writes_answers(int argc, char** argv) { return argc == 3 && std::string_view(argv[1]) == "--write-answers"; }

}  // namespace

std::vector<strata::tools::Purpose> strata::tools::purposes() {
  return {{"Train", {add_quickstart, add_pretrain, add_sft, add_launch}},
          {"Compare ways to train", {add_compare, add_sweep, add_report}},
          {"Judge and use a model", {add_eval, add_analyze, add_generate}},
          {"Prepare text", {add_train_tokenizer, add_tokenize, add_encode}},
          {"Look", {add_inspect, add_plan, add_doctor, add_lists, add_bench, add_trace}},
          {"Model folders", {add_init, add_export, add_import}},
          {"Shell", {add_completion}}};
}

/// What main.cpp runs.
extern "C" int strata_main(int argc, char** argv) {
  return_large_blocks();
  strata::name_lost_mappings();
  using namespace strata::tools;
  try {
    if (writes_answers(argc, argv)) return write_answers(argv[2], purposes()), 0;
    return run_command_line(argc, argv, purposes());
  } catch (const Stopped& stopped) {
    return stopped.exit_code;
  } catch (const strata::UsageError& failure) {
    strata::log::error(first_line(failure.what()));
    return kWrongUsage;
  } catch (const std::exception& failure) {
    strata::log::error(first_line(failure.what()));
    return kFailed;
  }
}
