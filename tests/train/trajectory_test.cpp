// Twelve steps of the paper's own training loop in float64, through the trainer: tests/golden/model/README.md.
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>

#include <nlohmann/json.hpp>

#include "strata/hub/model_folder.h"
#include "strata/io/json.h"
#include "strata/io/safetensors.h"
#include "strata/train/trainer.h"
#include "support/golden.h"
#include "support/models.h"
#include "support/temp_folder.h"
#include "support/training.h"

namespace strata::test {
namespace {

using nlohmann::json;

data::GlobalBatch golden_batch(const at::Tensor& ids_RT, int64_t vocab) {
  data::TokenRows rows, labels;
  for (int64_t r = 0; r < ids_RT.size(0); ++r) {
    const auto* ids = ids_RT[r].const_data_ptr<int64_t>();
    rows.emplace_back(ids, ids + ids_RT.size(1));
    labels.push_back(rows.back());
    std::ranges::replace(labels.back(), 0, data::kIgnore);
  }
  data::GlobalBatch batch;
  batch.micro_batches.push_back(data::TokenBatch::from_rows(rows, &labels, vocab));
  batch.num_tokens = batch.micro_batches[0].num_tokens();
  batch.num_targets = batch.micro_batches[0].num_targets();
  return batch;
}

config::RunConfig trajectory_config(const json& golden) {
  config::RunConfig config;
  config.train.global_batch = config.train.micro_batch;
  config.train.steps = 11;  // and one more, as the reference schedule has it
  const auto limit = [&](const char* key) { return golden.at(key).is_null() ? 0.0 : golden.at(key).get<double>(); };
  config.train.clip = {.global = limit("grad_clipping"), .gates = limit("clip_gate_grad")};
  config.schedule = {.kind = config::ScheduleKind::kReference, .warmup_steps = 3, .min_ratio = 0.1, .steps = 10};
  config.optimizer.lr = 1e-3;
  return config;
}

// Compares every step with the golden file.
class Compare final : public train::Hook {
 public:
  Compare(const json& steps, const nn::Parameters& parameters, double loss_bound, double gate_bound, bool norms)
      : steps_(steps), parameters_(parameters), loss_bound_(loss_bound), gate_bound_(gate_bound), norms_(norms) {}

  void after_step(const train::StepReport& report, const train::Progress&) override {
    const json& golden = steps_.at(static_cast<size_t>(report.step - 1));
    if (golden.contains("lr")) {  // of several groups the first has the schedule's
      const json& rate = golden.at("lr");
      EXPECT_NEAR(report.rate, (rate.is_array() ? rate.at(0) : rate).get<double>(), 1e-12);
    }
    EXPECT_NEAR(report.loss, golden.at("loss").get<double>(), loss_bound_) << "step " << report.step;
    EXPECT_EQ(report.targets, golden.at("num_targets").get<int64_t>());
    if (norms_) {
      EXPECT_NEAR(report.norms.global / golden.at("grad_norm").get<double>(), 1.0, 1e-4) << "step " << report.step;
    }
    int layer = 0;
    for (const json& gate : golden.value("gates", json::array())) {
      const std::string name = "model.layers." + std::to_string(layer++) + ".gpas_block.gate";
      EXPECT_NEAR(parameters_.master(name).item<float>(), gate.get<double>(), gate_bound_) << "step " << report.step;
    }
    ++compared;
  }

  int compared = 0;

 private:
  const json& steps_;
  const nn::Parameters& parameters_;
  double loss_bound_, gate_bound_;
  bool norms_;
};

// Trains the model from where it is, on ids [steps, rows, T].
void run_steps(TestModel& test, const config::RunConfig& config, const json& steps, const at::Tensor& ids,
               double loss_bound, double gate_bound, bool norms) {
  LoneTraining training(config, test.model, test.allocator);
  const optim::Schedule schedule(config.schedule, config.optimizer.lr, config.train.steps);
  train::Step step(test.model, *training.optimizer, schedule, config.train, training.parallel);
  std::vector<std::unique_ptr<train::Hook>> hooks;
  auto compare = std::make_unique<Compare>(steps, test.model.parameters(), loss_bound, gate_bound, norms);
  const Compare& compared = *compare;
  hooks.push_back(std::move(compare));
  train::Progress progress;
  train::run_training(
      step, config.train, [&] { return golden_batch(ids[progress.step], test.model.spec().dims.vocab); }, hooks,
      {.last_step = schedule.updates()}, progress);
  EXPECT_EQ(compared.compared, 12);
}

// Runs the twelve steps and gives the model at the end.
std::unique_ptr<TestModel> run_trajectory(const json& golden, const GoldenScheme& scheme, config::Precision precision,
                                          double loss_bound, double gate_bound) {
  const TempFolder folder;
  write_golden_folder(scheme, folder / "model");
  const auto opened = hub::open_model_folder(folder / "model");
  const bool exact = precision == config::Precision::kFp32;
  auto test = std::make_unique<TestModel>(
      opened.spec, nn::ModelOptions{.precision = precision, .limits = {.max_tokens = 96, .longest_row = 24}});
  nn::load_parameters(test->model.parameters(), opened.weights);
  const auto batches = io::SafetensorsFile::open(golden_model() / "trajectory" / "batches.safetensors");
  run_steps(*test, trajectory_config(golden), golden.at("steps"), batches.tensor("ids"), loss_bound, gate_bound, exact);
  return test;
}

// How far a parameter, or the sum that a golden file has of it, is off, entry by entry.
at::Tensor differences(const nn::Parameters& parameters, const io::SafetensorsFile& golden, const std::string& name) {
  const size_t dot = name.find('.');
  const at::Tensor ours = parameters.master(name.substr(dot + 1));
  const at::Tensor value = name.starts_with("param.") ? ours : ours.sum(name.starts_with("paramsum0.") ? 0 : 1);
  return (value - golden.tensor(name)).abs();
}

void expect_final_parameters(const nn::Parameters& parameters, const io::SafetensorsFile& golden) {
  for (const std::string& name : golden.names()) {
    // Sums have up to 88 terms.
    const double bound = name.starts_with("param.") ? 2e-5 : 2e-4;
    EXPECT_LT(differences(parameters, golden, name).max().item<double>(), bound) << name;
  }
}

// How far entries may be off: all of those of whole parameters, those of sums, and most of the first.
struct Bounds {
  double whole = 1e-4, sum = 3e-4, most = 1e-5;
  int64_t others = 5;  // that may be off by more than `most`
};

// Where a gradient is nearly nought, Adam makes of its last bits a step.
void expect_nearly_all_final_parameters(const nn::Parameters& parameters, const io::SafetensorsFile& golden,
                                        const Bounds& bounds = {}) {
  int64_t off = 0;
  for (const std::string& name : golden.names()) {
    const at::Tensor difference = differences(parameters, golden, name);
    const bool is_whole = name.starts_with("param.");
    EXPECT_LT(difference.max().item<double>(), is_whole ? bounds.whole : bounds.sum) << name;
    if (is_whole) off += difference.gt(bounds.most).sum().item<int64_t>();
  }
  EXPECT_LE(off, bounds.others);
}

struct Trajectory {
  std::string name;
  GoldenScheme scheme;
};

class GoldenTrajectory : public testing::TestWithParam<Trajectory> {};

TEST_P(GoldenTrajectory, EqualsThePapersLoop) {
  const auto folder = golden_model() / "trajectory";
  const json golden = io::read_json(folder / (GetParam().name + ".json"));
  const auto test = run_trajectory(golden, GetParam().scheme, config::Precision::kFp32, 1e-5, 2e-5);
  expect_final_parameters(test->model.parameters(),
                          io::SafetensorsFile::open(folder / (GetParam().name + ".final.safetensors")));
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTrajectory,
                         testing::Values(Trajectory{"pre", {"pre", "pre"}},
                                         Trajectory{"pre_gpas", {"pre_gpas", "pre+gpas"}},
                                         Trajectory{"sandwich_gpas", {"sandwich_gpas", "sandwich+gpas"}},
                                         Trajectory{"deeppost_gpas", {"deeppost_gpas", "deepnorm+gpas"}},
                                         Trajectory{"post_pre_gpas", {"post_pre_gpas", "mix+gpas"}},
                                         Trajectory{"lns_gpas", {"lns_gpas", "lns+gpas"}},
                                         Trajectory{"post", {"post", "post"}}, Trajectory{"pre_clip", {"pre", "pre"}},
                                         Trajectory{"pre_gpas_clip", {"pre_gpas", "pre+gpas"}}),
                         [](const auto& info) { return info.param.name; });

// AdamW with what ProRes's code decays, and its schedule.
config::RunConfig golden2_config(const json& golden) {
  config::RunConfig config;
  config.train.global_batch = config.train.micro_batch;
  config.train.steps = 11;
  config.train.clip.global = golden.at("grad_clipping").get<double>();
  const json& schedule = golden.at("schedule");
  config.schedule = {.kind = config::ScheduleKind::kWsdReference,
                     .warmup_steps = schedule.at("warmup_steps").get<int64_t>(),
                     .decay_steps = schedule.at("decay_steps").get<int64_t>(),
                     .steps = schedule.at("num_training_steps").get<int64_t>()};
  const json& optimizer = golden.at("optimizer");
  config.optimizer = {.kind = config::OptimizerKind::kAdamw,
                      .lr = schedule.at("peak_lr").get<double>(),
                      .beta2 = optimizer.at("beta2").get<double>(),
                      .weight_decay = optimizer.at("weight_decay").get<double>()};
  config.optimizer.groups.weight_decay = {{"embedding", 0.0}, {"model.norm.weight", 0.1}};
  if (optimizer.contains("embedding_lr")) {
    config.optimizer.groups.lr_factor["embedding"] = optimizer.at("embedding_lr").get<double>() / config.optimizer.lr;
  }
  return config;
}

// The model of golden2 that starts with these weights, later ones first.
std::unique_ptr<TestModel> golden2_model(const config::NormConfig& norm, const std::vector<std::string>& files) {
  config::ModelConfig dims;
  dims.vocab = 80;
  dims.hidden = 48;
  dims.intermediate = 130;
  dims.layers = 6;
  dims.heads = 3;
  dims.norm_eps = 1e-5;
  dims.rope_theta = 1e4;
  auto test = std::make_unique<TestModel>(nn::describe(dims, norm),
                                          nn::ModelOptions{.limits = {.max_tokens = 24, .longest_row = 12}});
  for (const std::string& name : files) {
    const auto file = io::SafetensorsFile::open(golden2() / name);
    for (const std::string& tensor : file.names()) {
      if (!tensor.starts_with("param.") || !test->model.spec().layout.contains(tensor.substr(6))) continue;
      test->model.parameters().master(tensor.substr(6)).copy_(file.tensor(tensor));
    }
  }
  return test;
}

class ProResTrajectory : public testing::TestWithParam<std::pair<std::string, std::string>> {};

// Through the ramp, and where it ends within the run.
TEST_P(ProResTrajectory, EqualsItsOwnLoop) {
  const auto& [name, base] = GetParam();
  const json golden = io::read_json(golden2() / ("prores/trajectory." + name + ".json"));
  config::NormConfig norm;
  norm.scheme = base == "deeppost" ? "deepnorm+prores" : base + "+prores";
  norm.prores.warmup_steps = golden.at("prores").at("warmup_steps").get<int64_t>();
  const auto test = golden2_model(norm, {"_shared.safetensors", "prores/" + base + ".mid.safetensors"});
  const at::Tensor ids = io::SafetensorsFile::open(golden2() / "prores/trajectory.batches.safetensors").tensor("ids");
  run_steps(*test, golden2_config(golden), golden.at("steps"), ids, 1e-5, 0.0, true);
  expect_nearly_all_final_parameters(
      test->model.parameters(),
      io::SafetensorsFile::open(golden2() / ("prores/trajectory." + name + ".final.safetensors")));
}

INSTANTIATE_TEST_SUITE_P(All, ProResTrajectory,
                         testing::Values(std::pair("pre", "pre"), std::pair("pre_cross", "pre"),
                                         std::pair("pre_embed_lr", "pre"), std::pair("post", "post"),
                                         std::pair("lns", "lns"), std::pair("sandwich", "sandwich"),
                                         std::pair("deeppost", "deeppost"), std::pair("deeppost_cross", "deeppost")),
                         [](const auto& info) { return info.param.first; });

// What golden2's optimizers start from and are driven by.
config::RunConfig optimizer_config(const json& golden) {
  config::RunConfig config;
  config.train.global_batch = config.train.micro_batch;
  config.train.steps = 12;
  config.train.clip.global = golden.at("optimizer").at("grad_clipping").get<double>();
  config.schedule = {.kind = config::ScheduleKind::kWsd, .warmup_steps = 3, .min_ratio = 0.0, .decay_steps = 4};
  config.optimizer.lr = golden.at("optimizer").value("lr", 1.0);
  config.optimizer.weight_decay = golden.at("optimizer").value("weight_decay", 0.0);
  return config;
}

void run_optimizer(const std::string& name, const json& golden, const config::RunConfig& config, const Bounds& bounds,
                   double loss_bound = 1e-5) {
  const auto test = golden2_model({}, {"_shared.safetensors", "muon/start.safetensors"});
  const auto start = io::SafetensorsFile::open(golden2() / "muon/start.safetensors");
  run_steps(*test, config, golden.at("steps"), start.tensor("ids"), loss_bound, 0.0, bounds.whole < 1e-3);
  expect_nearly_all_final_parameters(
      test->model.parameters(), io::SafetensorsFile::open(golden2() / ("muon/" + name + ".final.safetensors")), bounds);
}

json optimizer_golden(const std::string& name) { return io::read_json(golden2() / ("muon/" + name + ".json")); }

// Rate, decay, betas and eps of four kinds of parameters.
TEST(GroupsTrajectory, EqualsTorchs) {
  const json golden = optimizer_golden("adamw_groups");
  config::RunConfig config = optimizer_config(golden);
  config.optimizer.kind = config::OptimizerKind::kAdamw;
  config::GroupsConfig& groups = config.optimizer.groups;
  for (const json& group : golden.at("optimizer").at("groups")) {
    const auto name = group.at("group").get<std::string>();
    groups.lr_factor[name] = group.at("lr").get<double>();
    groups.weight_decay[name] = group.at("weight_decay").get<double>();
    groups.beta1[name] = group.at("betas").at(0).get<double>();
    groups.beta2[name] = group.at("betas").at(1).get<double>();
    groups.eps[name] = group.at("eps").get<double>();
  }
  run_optimizer("adamw_groups", golden, config, {});
}

class MuonTrajectory : public testing::TestWithParam<std::string> {};

// Both scales, with and without decay and the look ahead. The feed-forward's width, 130, is padded to 192: s is of 130.
TEST_P(MuonTrajectory, EqualsTorchs) {
  const json golden = optimizer_golden(GetParam());
  const json& optimizer = golden.at("optimizer");
  const json& adamw = optimizer.at("adamw");
  config::RunConfig config = optimizer_config(golden);
  config.optimizer.kind = config::OptimizerKind::kMuon;
  config.optimizer.beta1 = adamw.at("betas").at(0).get<double>();
  config.optimizer.beta2 = adamw.at("betas").at(1).get<double>();
  config.optimizer.eps = adamw.at("eps").get<double>();
  config.optimizer.muon.momentum = optimizer.at("momentum").get<double>();
  config.optimizer.muon.nesterov = optimizer.at("nesterov").get<bool>();
  config.optimizer.muon.scale =
      optimizer.at("adjust_lr_fn") == "original" ? config::MuonScale::kOriginal : config::MuonScale::kMatchRms;
  for (const char* kind : {"embedding", "head", "gains"}) {
    config.optimizer.groups.lr_factor[kind] = adamw.at("lr").get<double>() / config.optimizer.lr;
    config.optimizer.groups.weight_decay[kind] = adamw.at("weight_decay").get<double>();
  }
  run_optimizer(GetParam(), golden, config, {.whole = 1e-5, .sum = 2e-4, .most = 5e-6, .others = 0});
}

INSTANTIATE_TEST_SUITE_P(All, MuonTrajectory,
                         testing::Values("muon_match_wd0", "muon_match_wd01", "muon_original_wd0", "muon_original_wd01",
                                         "muon_original_wd01_plain"),
                         [](const auto& info) { return info.param; });

config::RunConfig decaying_matrices(const json& golden) {
  config::RunConfig config = optimizer_config(golden);
  config.optimizer.beta1 = golden.at("optimizer").at("betas").at(0).get<double>();
  config.optimizer.beta2 = golden.at("optimizer").at("betas").at(1).get<double>();
  config.optimizer.groups.weight_decay = {{"embedding", 0.0}, {"head", 0.0}};
  return config;
}

// Through its warm-up of ten updates, and beyond.
TEST(AdemamixTrajectory, EqualsItsOwnLoop) {
  const json golden = optimizer_golden("ademamix");
  const json& optimizer = golden.at("optimizer");
  config::RunConfig config = decaying_matrices(golden);
  config.optimizer.kind = config::OptimizerKind::kAdemamix;
  config.optimizer.eps = optimizer.at("eps").get<double>();
  config.optimizer.ademamix = {.beta3 = optimizer.at("betas").at(2).get<double>(),
                               .alpha = optimizer.at("alpha").get<double>(),
                               .warmup_steps = optimizer.at("alpha_warmup").get<int64_t>()};
  run_optimizer("ademamix", golden, config, {});
}

// A sign that rounding decides is a whole step: two rates of 5e-4. The reference in fp32 has 37 such entries.
TEST(LionTrajectory, EqualsItsOwnLoopUpToSigns) {
  const json golden = optimizer_golden("lion");
  config::RunConfig config = decaying_matrices(golden);
  config.optimizer.kind = config::OptimizerKind::kLion;
  run_optimizer("lion", golden, config, {.whole = 2.1e-3, .sum = 5e-3, .most = 1e-5, .others = 100}, 3e-4);
}

// The paper's precision: weights, gradients and states in bf16. The golden losses are bf16 numbers themselves.
TEST(GoldenTrajectoryBf16, StaysWithinBf16OfThePapersLoop) {
  const json golden = io::read_json(golden_model() / "trajectory_bf16" / "pre_gpas.json");
  run_trajectory(golden, {"pre_gpas", "pre+gpas"}, config::Precision::kBf16, 0.08, 0.004);
}

// bf16 arithmetic with fp32 master values: gates move as in fp32.
TEST(GoldenTrajectoryMixed, StaysNearTheFp32Loop) {
  const json golden = io::read_json(golden_model() / "trajectory" / "pre_gpas.json");
  run_trajectory(golden, {"pre_gpas", "pre+gpas"}, config::Precision::kMixed, 0.05, 0.002);
}

}  // namespace
}  // namespace strata::test
