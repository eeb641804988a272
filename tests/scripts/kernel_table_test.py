"""scripts/kernel_table.py finds what is wrong with a kernel in what ptxas said of it, and passes what is right."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/kernel_table.py"


def report(registers=40, stack=0, stores=0, loads=0, shared=", 128 bytes smem", more=""):
    return f"""{more}ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z6samplePf' for 'sm_90'
ptxas info    : Function properties for _Z6samplePf
    {stack} bytes stack frame, {stores} bytes spill stores, {loads} bytes spill loads
ptxas info    : Used {registers} registers, used 1 barriers{shared}
ptxas info    : Compile time = 1.000 ms
"""


class KernelTable(unittest.TestCase):
    def table_of(self, *reports):
        with tempfile.TemporaryDirectory() as build:
            (Path(build) / "cuda").mkdir()
            for number, text in enumerate(reports):
                (Path(build) / f"cuda/sample{number}.cu.o.ptxas").write_text(text)
            return subprocess.run([sys.executable, SCRIPT, build], capture_output=True, text=True)

    def assert_finds(self, text, finding):
        run = self.table_of(report(), text)
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertIn(finding, run.stdout)
        self.assertEqual(run.stderr, "kernel_table: 1 findings\n")

    def test_a_clean_kernel_passes(self):
        run = self.table_of(report(), report(registers=255, shared=""))
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertRegex(run.stdout, r"sample0\.cu\n +sample +sm_90 +40 +0 +0 +128 *\n")
        self.assertRegex(run.stdout, r"sample1\.cu\n +sample +sm_90 +255 +0 +0 +0 *\n")

    def test_spilled_registers(self):
        self.assert_finds(report(stores=8), "spills")
        self.assert_finds(report(loads=4), "spills")

    def test_a_stack(self):
        self.assert_finds(report(stack=16), "uses a stack")

    def test_too_many_registers(self):
        self.assert_finds(report(registers=256), "more than 255 registers")

    def test_too_much_shared_memory(self):
        self.assert_finds(report(shared=", 49156 bytes smem"), "more than 49152 bytes of shared memory")

    def test_a_warning_of_the_compiler(self):
        warning = 'sample.cu(7): warning #177-D: variable "unused" was declared but never referenced\n'
        self.assert_finds(report(more=warning), "nvcc: " + warning)

    def test_a_build_without_kernels(self):
        run = self.table_of()
        self.assertEqual(run.returncode, 1)
        self.assertIn("this build has no CUDA kernels", run.stderr)


if __name__ == "__main__":
    unittest.main()
