"""Mistakes planted in the kernels themselves: each must fail the tests that run them under emulation.

Usage: planted_bugs_test.py SOURCE_FOLDER BUILD_FOLDER [UNITTEST ARGUMENT...]
"""
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE, BUILD = (Path(sys.argv.pop(1)).resolve() for _ in range(2))
PROGRAM = "test_kernels_on_host"


def command_of(source):
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if entry["file"] == str(source) and "strata_cuda_on_host" in entry["command"]:
            return shlex.split(entry["command"])
    raise LookupError(f"nothing compiles {source} for the host")


def link_command():
    commands = ["ninja", "-C", BUILD, "-t", "commands", PROGRAM]
    return subprocess.run(commands, check=True, capture_output=True, text=True).stdout.splitlines()[-1]


class PlantedBugs(unittest.TestCase):
    def fails_with(self, file, text, instead, kernel, tests, expected, occurrence=0):
        """Replaces `text` in src/kernels/`file`, compiles `kernel` with it, and runs the tests."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            shutil.copytree(SOURCE / "src/kernels", folder / "kernels")
            path = folder / "kernels" / file
            parts = path.read_text().split(text)
            self.assertGreater(len(parts), occurrence + 1, f"{file} does not say {text!r}")
            path.write_text(text.join(parts[: occurrence + 1]) + instead + text.join(parts[occurrence + 1 :]))

            original = SOURCE / "src/kernels" / kernel
            compile_command = [
                str(folder / "kernels" / kernel) if word == str(original) else word for word in command_of(original)
            ]
            compile_command.insert(compile_command.index("-c"), "-Wno-unused")
            compile_command[compile_command.index("-o") + 1] = str(folder / "kernel.o")
            if "-MF" in compile_command:
                compile_command[compile_command.index("-MF") + 1] = str(folder / "kernel.d")
            first_include = next(i for i, word in enumerate(compile_command) if word.startswith("-I"))
            compile_command.insert(first_include, f"-I{folder}")
            subprocess.run(compile_command, check=True, cwd=BUILD, timeout=300)

            # The linker takes what it meets first, and leaves the library's own object alone.
            program = folder / PROGRAM
            link = link_command().replace(f"-o {PROGRAM} ", f"-o {program} {folder / 'kernel.o'} ")
            self.assertIn(str(program), link)
            subprocess.run(link, shell=True, check=True, cwd=BUILD, timeout=300)
            run = subprocess.run([program, f"--gtest_filter={tests}"], capture_output=True, text=True, timeout=600)
            self.assertNotEqual(run.returncode, 0, "no test failed")
            self.assertRegex(run.stdout, expected)

    def test_a_missing_barrier_before_a_read(self):
        self.fails_with(
            "cuda/executor.cuh", "    __syncthreads();\n", "", "cuda/junction.cu", "*Junction*Threads*", "race|nobody has written"
        )

    def test_a_missing_barrier_before_scratch_is_used_again(self):
        self.fails_with(
            "cuda/executor.cuh", "    __syncthreads();  // who", "    // who", "cuda/junction.cu", "*Junction*Threads*", "race"
        )

    def test_a_missing_barrier_between_tiles(self):
        self.fails_with(
            "cuda/attention.cu",
            "    __syncthreads();\n",
            "",
            "cuda/attention.cu",
            "*Attention*Threads*/fp32_8",
            "race|nobody has written",
            occurrence=1,
        )

    def test_a_wrong_reduction_width(self):
        self.fails_with(
            "cuda/executor.cuh", "distance = kWarp / 2", "distance = kWarp / 4", "cuda/junction.cu", "*Junction*", "Expected: "
        )

    def test_one_element_too_many(self):
        self.fails_with("cuda/executor.cuh", "i < end;", "i <= end;", "cuda/losses.cu", "*CrossEntropy*", "Expected: ")

    def test_scratch_that_is_too_small(self):
        self.fails_with(
            "cuda/executor.cuh", "K*(kMostThreads / kWarp)", "K", "cuda/junction.cu", "*Junction*Threads*", "out of its 1 elements|out of its 2 elements"
        )

    def test_vectors_in_rows_of_any_width(self):
        self.fails_with(
            "cuda/executor.cuh", "width % kVector<T> == 0 && ", "", "cuda/row_ops.cu", "*Swiglu*", "a block of 0 x 1 x 1 threads"
        )

    def test_threads_that_leave_before_a_barrier(self):
        self.fails_with(
            "cuda/losses.cu",
            "  const float factor",
            "  if (threadIdx.x > 40) return;\n  const float factor",
            "cuda/losses.cu",
            "*CrossEntropy*",
            "has returned",
        )


if __name__ == "__main__":
    unittest.main()
