"""scripts/gpu_check.sh where there is no GPU: it says so and fails, before it installs or builds anything."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/gpu_check.sh"


class WithoutGpu(unittest.TestCase):
    def test_it_fails_with_one_line_and_no_results(self):
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results"
            environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
            run = subprocess.run([SCRIPT, results], env=environment, capture_output=True, text=True)
            self.assertEqual(run.returncode, 1)
            self.assertEqual(run.stderr, "gpu_check: no NVIDIA GPU is visible on this machine: nothing was checked\n")
            self.assertEqual(run.stdout, "")
            self.assertFalse(results.exists())


if __name__ == "__main__":
    unittest.main()
