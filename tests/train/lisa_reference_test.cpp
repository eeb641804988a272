// LISA's arithmetic against plain PyTorch with the same draws: tests/train/lisa_reference.py.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "strata/io/json.h"
#include "strata/io/safetensors.h"
#include "support/lisa_run.h"
#include "support/places.h"
#include "support/program.h"

namespace strata::train {
namespace {

using config::LisaStates;
using nlohmann::json;
using strata::test::lisa_config;
using strata::test::LisaRun;
using strata::test::run_program;
using strata::test::TempFolder;
using strata::test::torch_python;

// Roundings of losses around 4 in fp32, and what twelve updates make of them: PyTorch in fp32 is up to 4e-6 off itself
// in float64.
constexpr double kLossBound = 1e-5;

struct Case {
  std::string name;
  std::string scheme;
  LisaStates states;
  double weight_decay = 0.0;
  bool trains_gates = false;
  double clip = 1.0;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

config::RunConfig config_of(const Case& one, const std::filesystem::path& run) {
  config::RunConfig config =
      lisa_config({.scheme = one.scheme, .states = one.states, .fine_tunes = !one.trains_gates}, run);
  config.optimizer.weight_decay = one.weight_decay;
  config.train.clip.global = one.clip;
  config.optimizer.eps = 1e-6;  // or first steps, g / (|g| + eps), would be as long where a gradient is rounding alone
  return config;
}

// Labels are not shifted: the target of a position is the label of the next.
json rows_of(const data::GlobalBatch& batch) {
  json rows = json::array();
  for (const data::TokenBatch& micro_batch : batch.micro_batches) {
    const at::Tensor targets = test::targets_N(micro_batch);
    for (int64_t row = 0; row < micro_batch.num_rows(); ++row) {
      std::vector<int64_t> ids, labels{-100};
      for (int32_t place = micro_batch.row_starts[static_cast<size_t>(row)];
           place < micro_batch.row_starts[static_cast<size_t>(row) + 1]; ++place) {
        const auto target = targets[place].item<int64_t>();
        ids.push_back(micro_batch.tokens_N[place].item<int64_t>());
        labels.push_back(target == data::kIgnore ? -100 : target);
      }
      labels.pop_back();
      rows.push_back({{"ids", ids}, {"labels", labels}});
    }
  }
  return rows;
}

json dims_of(const config::ModelConfig& dims) {
  return {{"hidden", dims.hidden},     {"intermediate", dims.intermediate},
          {"layers", dims.layers},     {"heads", dims.heads},
          {"kv_heads", dims.kv()},     {"vocab", dims.vocab},
          {"norm_eps", dims.norm_eps}, {"rope_theta", dims.rope_theta}};
}

double norm_of(const at::Tensor& tensor) { return tensor.norm().item().toDouble(); }

// What the steps did.
struct Record {
  std::vector<double> losses, grad_norms;
  std::vector<std::vector<int64_t>> active;
};

class Recorder final : public Hook {
 public:
  Recorder(const LisaRun& run, Record& record) : run_(run), record_(record) {}
  void before_step(int64_t /*index*/) override { record_.active.push_back(run_.training.lisa->layers()); }
  void after_step(const StepReport& report, const Progress&) override {
    record_.losses.push_back(report.loss);
    record_.grad_norms.push_back(report.norms.global);
  }

 private:
  const LisaRun& run_;
  Record& record_;
};

class LisaReference : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    static const bool has_torch = run_program({torch_python(), "-W", "ignore", "-c", "import torch"}).exit_code == 0;
    if (!has_torch) {
      GTEST_SKIP() << "NOT TESTED: " << torch_python()
                   << " cannot import torch; `scripts/install.sh --cuda` installs what torch needs";
    }
  }

  void write_input(const Record& record) const {
    const config::OptimizerConfig& optimizer = run_.config.optimizer;
    json input{{"model", folder_.path().string()},
               {"dims", dims_of(run_.config.model)},
               {"gpas", GetParam().scheme.ends_with("+gpas")},
               {"train_gates", GetParam().trains_gates},
               {"states", GetParam().states == LisaStates::kKeep ? "keep" : "drop"},
               {"optimizer",
                {{"beta1", optimizer.beta1},
                 {"beta2", optimizer.beta2},
                 {"eps", optimizer.eps},
                 {"weight_decay", optimizer.weight_decay},
                 {"clip", run_.config.train.clip.global}}},
               {"steps", json::array()}};
    for (int64_t index = 0; index < run_.config.train.steps; ++index) {
      const auto batch = strata::test::lisa_batch(run_.training.division, 0, index, run_.config.model.vocab);
      input["steps"].push_back({{"rate", run_.schedule.rate(index)},
                                {"active", record.active[static_cast<size_t>(index)]},
                                {"rows", rows_of(batch)}});
    }
    strata::test::write_file(folder_ / "input.json", input.dump());
  }

  Record run() {
    Record record;
    std::vector<std::unique_ptr<Hook>> hooks;
    hooks.push_back(std::make_unique<Recorder>(run_, record));
    run_.run(std::move(hooks));
    return record;
  }

  json reference(const std::string& dtype) const {
    const auto script = strata::test::source_folder() / "tests" / "train" / "lisa_reference.py";
    const auto finished = run_program({torch_python(), script, folder_ / "input.json", "--dtype", dtype, "--final",
                                       folder_ / (dtype + ".safetensors")});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return io::parse_json(finished.out, dtype);
  }

  // The largest difference.
  static double expect_near(const std::vector<double>& ours, const json& theirs, double bound) {
    EXPECT_EQ(ours.size(), theirs.size());
    double largest = 0.0;
    for (size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
      EXPECT_NEAR(ours[i], theirs[i].get<double>(), bound) << "step " << i + 1;
      largest = std::max(largest, std::abs(ours[i] - theirs[i].get<double>()));
    }
    return largest;
  }

  double expect_final_parameters() const;

  const TempFolder folder_;
  const std::unique_ptr<workers::Communicator> alone_ = workers::alone();
  LisaRun run_{config_of(GetParam(), folder_ / "run"), *alone_};
};

// Of each tensor, the L2 norm of the difference to float64, as a share of how far it moved; gives the largest. A
// gradient in fp32 is off by some 1e-6 of what is usual in its tensor. Adam divides by the gradient's size, so that one
// that is t times what is usual moves by 1e-6 / t of a step too far; where t is spread evenly between 0 and 1, that
// adds up to a square of 2e-6, which is 1.4e-3. Another count of updates, or moments that were not dropped, is 0.1 and
// more.
double LisaReference::expect_final_parameters() const {
  const auto start = io::SafetensorsFile::open(folder_ / "model.safetensors");
  const auto final = io::SafetensorsFile::open(folder_ / "float64.safetensors");
  double largest = 0.0;
  for (const ParamSpec& param : run_.params()) {
    const at::Tensor ours = run_.parameters().master(param.name).to(at::kDouble);
    const at::Tensor before = start.tensor(param.name).to(at::kDouble);
    if (param.role == ParameterRole::kGate && !GetParam().trains_gates) {
      EXPECT_TRUE(at::equal(ours, before)) << param.name;
      continue;
    }
    const double moved = norm_of(final.tensor(param.name) - before);
    const double difference = norm_of(ours - final.tensor(param.name));
    EXPECT_LE(difference, 1e-2 * moved) << param.name;
    if (moved > 0.0) largest = std::max(largest, difference / moved);
  }
  return largest;
}

TEST_P(LisaReference, EqualsPlainPyTorch) {
  nn::save_parameters(run_.training.model.spec().layout, run_.parameters().master(), folder_ / "model.safetensors");
  const Record ours = run();
  write_input(ours);
  const json fp32 = reference("float32"), fp64 = reference("float64");
  const double loss = expect_near(ours.losses, fp32.at("losses"), kLossBound);
  const double loss64 = expect_near(ours.losses, fp64.at("losses"), kLossBound);
  expect_near(ours.grad_norms, fp64.at("grad_norms"), 1e-4);
  std::cout << "largest difference of a loss: " << loss << " (float32), " << loss64
            << " (float64); of a parameter's movement: " << expect_final_parameters() << "\n";
  EXPECT_TRUE(GetParam().scheme == "pre" || std::ranges::max(ours.grad_norms) > GetParam().clip) << "nothing clipped";
}

INSTANTIATE_TEST_SUITE_P(Runs, LisaReference,
                         testing::Values(Case{"pre_keep", "pre", LisaStates::kKeep},
                                         Case{"pre_drop", "pre", LisaStates::kDrop},
                                         Case{"pre_gpas_keep_clip", "pre+gpas", LisaStates::kKeep, 0.0, false, 0.5},
                                         Case{"pre_gpas_drop_decay", "pre+gpas", LisaStates::kDrop, 0.1},
                                         Case{"pre_gpas_keep_gates", "pre+gpas", LisaStates::kKeep, 0.1, true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace strata::train
