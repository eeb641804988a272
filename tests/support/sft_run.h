#pragma once

#include "support/runs.h"

namespace strata::test {

/// An untrained model (pre+gpas, its gates away from their start) and records whose answer one word of the instruction
/// decides, with the config of fine-tuning on them: 48 samples, a row each, six steps of eight in each of two epochs.
/// Twelve more are held out.
class SftRun : public Runs {
 public:
  static constexpr int kRecords = 60;

  SftRun();

  /// `strata sft` with the run folder `run` and overrides.
  Finished sft(const std::string& run, const std::vector<std::string>& overrides = {}) const {
    return run_program(command(run, overrides));
  }

  /// Record `number`: {instruction, output, answer}.
  static nlohmann::json record(int number);
  /// A JSON array, or lines, of the records [first, last).
  static std::string array_of(int first, int last);
  static std::string lines_of(int first, int last);

  std::filesystem::path start() const { return folder_ / "start"; }
};

}  // namespace strata::test
