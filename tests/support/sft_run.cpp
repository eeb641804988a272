#include "support/sft_run.h"

#include "strata/data/samples/prompt_template.h"
#include "strata/data/tokenizer.h"
#include "strata/nn/model_folder.h"
#include "support/data_fixtures.h"
#include "support/models.h"

namespace strata::test {
namespace {

using nlohmann::json;

// Once per process.
std::filesystem::path tokenizer_of_records() {
  static const TempFolder folder;
  static const auto path = [] {
    int number = 0;
    const data::PromptTemplate alpaca("alpaca");
    const data::TextStream texts = [&](std::string& text) {
      const json record = SftRun::record(number);
      const data::Turn turn{record["instruction"], number % 2 == 0 ? "" : "input", record["output"]};
      text = alpaca.prompt(turn) + alpaca.response(turn) + " " + data::test::made_up_text(number, 30);
      return number++ < 200;
    };
    data::train_tokenizer(texts, 180, folder / "records.model");
    return folder / "records.model";
  }();
  return path;
}

void save_start(const std::filesystem::path& folder) {
  config::RunConfig config;
  config.model = {.vocab = 180, .hidden = 32, .intermediate = 48, .layers = 4, .heads = 2};
  config.norm.scheme = "pre+gpas";
  TestModel made(nn::describe(config.model, config.norm), tiny_options());
  randomise(made.model.parameters(), 5);
  nn::save_model_folder(config, made.model.parameters(), folder);
}

}  // namespace

json SftRun::record(int number) {
  const std::string before = data::test::made_up_text(number, 1 + number % 3);
  const std::string behind = data::test::made_up_text(1000 + number, number % 4);
  const bool is_red = number % 2 == 0;
  return {{"instruction", before + (is_red ? "up " : "down ") + behind + "red/blue"},
          {"output", is_red ? "it is red" : "it is blue"},
          {"answer", is_red ? "red" : "blue"}};
}

std::string SftRun::array_of(int first, int last) {
  json records = json::array();
  for (int number = first; number < last; ++number) records.push_back(record(number));
  return records.dump(1);
}

std::string SftRun::lines_of(int first, int last) {
  std::string lines;
  for (int number = first; number < last; ++number) lines += record(number).dump() + "\n";
  return lines;
}

SftRun::SftRun() : Runs("sft", "sft.yaml") {
  save_start(start());
  write_file(folder_ / "records.json", array_of(0, kRecords));
  write_file(config_, "sft: {model: " + start().string() + ", data: [" + (folder_ / "records.json").string() +
                          "], epochs: 2, template: plain, pack: none, holdout: 0.2}\n"
                          "data: {tokenizer: " +
                          tokenizer_of_records().string() +
                          ", sequence_length: 64}\n"
                          "train: {global_batch: 8, micro_batch: 2, clip: {global: 1.0}}\n"
                          "optimizer: {kind: adamw, lr: 3e-3}\n"
                          "schedule: {kind: linear, warmup_steps: 0, min_ratio: 0.0}\n"
                          "telemetry: {tensorboard: false}\n"
                          "run: {gemm: aten, threads: 1}\n");
}

}  // namespace strata::test
