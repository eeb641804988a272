"""scripts/gpu_check.sh where there is no GPU: it says so and fails, before it installs or builds anything; and, of a
bundle whose program is a stand-in, what it makes of parts that pass, fail, hang and are skipped."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
# Says which program it is asked for; some of what it is asked for hangs, or fails.
STAND_IN = """#!/bin/sh
case "${STRATA_PROGRAM:-strata} $1" in
  "strata doctor") echo "strata 0.1.0"; echo "gpu 0  NVIDIA H100 80GB HBM3" ;;
  "strata bench") [ "$2" = gemm ] && sleep 30; exit 3 ;;
  test_kernels_on_gpu*) echo "[  PASSED  ] 5 tests" ;;
  test_models_on_gpu*) echo "[  SKIPPED ] OnGpu.It" ;;
  *) echo "$@" ;;
esac
"""


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.results = self.folder / "results"

    def check(self, script, **environment):
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment}
        return subprocess.run([script, self.results], env=environment, capture_output=True, text=True)

    def test_it_fails_with_one_line_and_no_results_without_a_gpu(self):
        run = self.check(SCRIPTS / "gpu_check.sh")
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stderr, "gpu_check: no NVIDIA GPU is visible on this machine: nothing was checked\n")
        self.assertEqual(run.stdout, "")
        self.assertFalse(self.results.exists())

    def test_every_part_ends_and_is_told_of(self):
        for script in ("gpu_check.sh", "gpu_report.py"):
            shutil.copy(SCRIPTS / script, self.folder)
        (self.folder / "strata").write_text(STAND_IN)
        (self.folder / "strata").chmod(0o755)
        parts = "doctor gemm kernels test_kernels_on_gpu test_models_on_gpu predict_71m"
        run = self.check(self.folder / "gpu_check.sh", STRATA_CHECK_PARTS=parts, STRATA_CHECK_SECONDS="1")
        self.assertEqual(run.returncode, 1)
        results = json.loads((self.results / "results.json").read_text())
        outcomes = {part["name"]: part["outcome"] for part in results["parts"]}
        self.assertEqual(outcomes, {"doctor": "passed", "gemm": "took longer than 1 s", "kernels": "exit code 3",
                                    "test_kernels_on_gpu": "passed", "test_models_on_gpu": "some were skipped",
                                    "predict_71m": "passed"})
        self.assertIn("--device h100", "".join(results["logs"]["predict_71m"]))
        self.assertIn("gemm (took longer than 1 s); kernels (exit code 3); test_models_on_gpu (some were skipped)",
                      run.stderr)
        self.assertTrue((self.results / "report.html").exists())


if __name__ == "__main__":
    unittest.main()
