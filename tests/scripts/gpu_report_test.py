"""scripts/gpu_report.py over a folder as scripts/gpu_check.sh leaves it."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/gpu_report.py"
NEEDED = ("71m", "71m_graph", "350m", "1b")
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
        lines = [{"step": i + 1, "loss": loss, "seconds": 0.05, "tokens_per_second": 1000.0 if i == 0 else 600000.0}
                 for i, loss in enumerate(losses)]
        (self.folder / "runs" / run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def report(self):
        run = subprocess.run([SCRIPT, self.folder], capture_output=True, text=True)
        return run, json.loads((self.folder / "results.json").read_text())

    def test_sums_up_all_runs(self):
        for run in NEEDED:
            self.leave_run(run, [10.4, 9.0, 8.0, 7.0])
        (self.folder / "predict_71m.log").write_text("  time  0.0341 s a step, 961,477 tokens/s\n")
        (self.folder / "parts.tsv").write_text("71m\t12\tpassed\n")
        self.leave_run("fp32_gpu", [10.4, 10.3])
        self.leave_run("fp32_cpu", [10.4, 10.3004])
        run, results = self.report()
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(results["runs"]["71m"]["tokens_per_second"], 600000.0)
        self.assertAlmostEqual(results["runs"]["71m"]["mfu"], 300 / 989)
        self.assertAlmostEqual(results["runs"]["71m"]["share_of_measured_gemm"], 0.5)
        self.assertEqual(results["runs"]["350m"]["memory_at_most"], "2.02 GB")
        self.assertTrue(results["fp32_losses"]["same"])
        self.assertIn("71m: 600,000 tokens/s, a step 50.0 ms where 34.1 ms were predicted, 30.3 % of the card's nominal rate",
                      run.stdout)
        self.assertIn("71m_graph: 600,000 tokens/s, a step 50.0 ms where ? were predicted", run.stdout)
        self.assertEqual(results["parts"], [{"name": "71m", "seconds": "12", "outcome": "passed"}])
        self.assertIn("<td>71m<td>12 s<td>passed", (self.folder / "report.html").read_text())

    def test_fails_where_a_part_failed(self):
        for run in (*NEEDED, "fp32_gpu", "fp32_cpu"):
            self.leave_run(run, [10.4, 10.3])
        self.assertEqual(self.report()[0].returncode, 0)
        (self.folder / "parts.tsv").write_text("kernels\t40\ttook longer than 40 s\n")
        run, results = self.report()
        self.assertEqual(run.returncode, 1)

    def test_fails_where_losses_differ(self):
        for run in (*NEEDED, "fp32_gpu"):
            self.leave_run(run, [10.4, 10.3])
        self.leave_run("fp32_cpu", [10.4, 10.32])
        run, results = self.report()
        self.assertEqual(run.returncode, 1)
        self.assertFalse(results["fp32_losses"]["same"])

    def test_says_what_is_missing(self):
        self.leave_run("71m", [10.4, 9.0])
        run, results = self.report()
        self.assertEqual(run.returncode, 1)
        self.assertIn("350m: no result\n1b: no result\nfp32 losses on GPU and CPU: no result", run.stdout)
        self.assertIsNone(results["runs"]["350m"])


if __name__ == "__main__":
    unittest.main()
