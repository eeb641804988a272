#include "support/small_run.h"

#include "support/data_fixtures.h"

namespace strata::test {

SmallRun::SmallRun() : Runs("pretrain", "c.yaml") {
  data::test::made_up_source(folder_.path(), "a.jsonl", 0, 40);
  data::test::made_up_source(folder_.path(), "b.json.gz", 40, 70);
  data::test::made_up_source(folder_.path(), "valid.jsonl", 70, 90);
  write_file(config_,
             "model: {vocab: 200, hidden: 32, intermediate: 48, layers: 2, heads: 2}\n"
             "norm: {scheme: sandwich+gpas}\n"
             "data: {tokenizer: " +
                 data::test::small_model().string() + ", train: [\"" + (folder_ / "a.jsonl").string() + "\", \"" +
                 (folder_ / "b.json*").string() + "\"], validation: [" + (folder_ / "valid.jsonl").string() +
                 "], cache: " + (folder_ / "cache").string() +
                 ", sequence_length: 32}\n"
                 "train: {steps: 9, global_batch: 12, micro_batch: 4, clip: {global: 1.0, gates: 0.01}}\n"
                 "schedule: {warmup_steps: 3}\n"
                 "checkpoint: {every: 4}\n"
                 "evaluate: {every: 5, tokens: 300}\n"
                 "run: {gemm: aten}\n");
}

}  // namespace strata::test
