"""libstrata_cuda.so, libstrata_nccl.so: every symbol that they need is in a library that they name, and nobody else names
CUDA's libraries.

Usage: cuda_modules_test.py BUILD_FOLDER TORCH_FOLDER [UNITTEST ARGUMENT...]
"""
import subprocess
import sys
import unittest
from pathlib import Path

BUILD, TORCH = (Path(sys.argv.pop(1)) for _ in range(2))
FOLDERS = [BUILD, TORCH / "lib", TORCH.parent / "nvidia/cu13/lib"]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def place_of(library):
    for folder in FOLDERS:
        if (folder / library).exists():
            return folder / library
    for line in output("/sbin/ldconfig", "-p").splitlines():
        if line.split()[0] == library:
            return Path(line.split(" => ")[1])
    raise FileNotFoundError(f"{library} is neither in {FOLDERS} nor known to ldconfig")


def named_by(library):
    return [line.split("[")[1].rstrip("]") for line in output("readelf", "-d", library).splitlines() if "(NEEDED)" in line]


def symbols(library, which):
    lines = output("nm", "-D", "--format=posix", which, library).splitlines()
    return {(line.split("@")[0].split()[0], line.split()[1]) for line in lines}


# Who opens the modules calls these, and these are what they are there for.
MODULES = {
    "libstrata_cuda.so": ("strata_open_cuda", "__cudaRegisterFatBinary"),
    "libstrata_nccl.so": ("strata_connect_nccl", "_ZN4c10d16ProcessGroupNCCLC1E"),
}


class Modules(unittest.TestCase):
    def test_every_symbol_is_in_a_library_that_they_name(self):
        for module, (function, purpose) in MODULES.items():
            with self.subTest(module):
                self.assertIn(function, [name for name, _ in symbols(BUILD / module, "--defined-only")])
                needed = {name for name, kind in symbols(BUILD / module, "--undefined-only") if kind == "U"}
                self.assertTrue([name for name in needed if name.startswith(purpose)])
                for name in named_by(BUILD / module):
                    needed -= {symbol for symbol, _ in symbols(place_of(name), "--defined-only")}
                self.assertEqual(needed, set())

    def test_the_others_name_no_library_of_cuda(self):
        for file in ("strata", "libstrata_commands.so", "libstrata.so"):
            for name in named_by(BUILD / file):
                self.assertNotRegex(name, "cuda|nccl|nvidia", f"named by {file}")


if __name__ == "__main__":
    unittest.main()
