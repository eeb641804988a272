"""scripts/gpu_report.py over a folder as scripts/gpu_check.sh leaves it."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/gpu_report.py"
LOG = """strata 0.1.0 · pretrain · pre+gpas · seed 42 · runs/x
  parameters 70,578,700 · 0.500 GFLOP per token · 128 rows of up to 256 tokens per step
  memory 2.00 GB, recompute none: parameters 1.00 GB
  NVIDIA H100 80GB HBM3 · cublas 600,000 GFLOP/s on this model's shapes · at most 1,200,000 tokens/s
memory: planned 2.00 GB, allocated at most 2.02 GB (+1.0 %)
"""


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def leave_run(self, run, losses):
        (self.folder / f"{run}.log").write_text(LOG)
        (self.folder / "runs" / run).mkdir(parents=True)
        lines = [{"step": i + 1, "loss": loss, "tokens_per_second": 1000.0 if i == 0 else 600000.0}
                 for i, loss in enumerate(losses)]
        (self.folder / "runs" / run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def report(self):
        run = subprocess.run([SCRIPT, self.folder], capture_output=True, text=True)
        return run, json.loads((self.folder / "results.json").read_text())

    def test_sums_up_all_runs(self):
        for run in ("train_71m", "train_350m"):
            self.leave_run(run, [10.4, 9.0, 8.0, 7.0])
        self.leave_run("fp32_gpu", [10.4, 10.3])
        self.leave_run("fp32_cpu", [10.4, 10.3004])
        run, results = self.report()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(results["train_71m"]["tokens_per_second"], 600000.0)
        self.assertAlmostEqual(results["train_71m"]["mfu"], 300 / 989)
        self.assertAlmostEqual(results["train_71m"]["share_of_measured_gemm"], 0.5)
        self.assertEqual(results["train_350m"]["memory_at_most"], "2.02 GB")
        self.assertTrue(results["fp32_losses"]["same"])
        self.assertIn("600,000 tokens/s, 30.3 % of the card's nominal rate", run.stdout)

    def test_fails_where_losses_differ(self):
        for run in ("train_71m", "train_350m", "fp32_gpu"):
            self.leave_run(run, [10.4, 10.3])
        self.leave_run("fp32_cpu", [10.4, 10.32])
        run, results = self.report()
        self.assertEqual(run.returncode, 1)
        self.assertFalse(results["fp32_losses"]["same"])

    def test_says_what_is_missing(self):
        self.leave_run("train_71m", [10.4, 9.0])
        run, results = self.report()
        self.assertEqual(run.returncode, 1)
        self.assertIn("train_350m: no result\nfp32 losses on GPU and CPU: no result", run.stdout)
        self.assertIsNone(results["train_350m"])


if __name__ == "__main__":
    unittest.main()
