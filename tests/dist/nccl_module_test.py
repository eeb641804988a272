"""libstrata_nccl.so: every symbol that it needs is in a library that it names, and nobody else names CUDA's libraries.

Usage: nccl_module_test.py BUILD_FOLDER TORCH_FOLDER [UNITTEST ARGUMENT...]
"""
import subprocess
import sys
import sysconfig
import unittest
from pathlib import Path

BUILD, TORCH = (Path(sys.argv.pop(1)) for _ in range(2))
SYSTEM = [Path(root, sysconfig.get_config_var("MULTIARCH")) for root in ("/lib", "/usr/lib")]
FOLDERS = [BUILD, TORCH / "lib", TORCH.parent / "nvidia/cu13/lib", *SYSTEM]


def named_by(library):
    lines = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split("[")[1].rstrip("]") for line in lines if "(NEEDED)" in line]


def symbols(library, which):
    command = ["nm", "-D", "--format=posix", which, library]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {(line.split("@")[0].split()[0], line.split()[1]) for line in lines}


class Module(unittest.TestCase):
    def test_every_symbol_is_in_a_library_that_it_names(self):
        module = BUILD / "libstrata_nccl.so"
        needed = {name for name, kind in symbols(module, "--undefined-only") if kind == "U"}
        constructor = [name for name in needed if name.startswith("_ZN4c10d16ProcessGroupNCCLC1E")]
        self.assertEqual(len(constructor), 1)
        for name in named_by(module):
            places = [folder / name for folder in FOLDERS if (folder / name).exists()]
            self.assertTrue(places, f"{name} is in none of {FOLDERS}")
            needed -= {symbol for symbol, _ in symbols(places[0], "--defined-only")}
        self.assertEqual(needed, set())

    def test_the_others_name_no_library_of_cuda(self):
        for file in ("strata", "libstrata.so"):
            for name in named_by(BUILD / file):
                self.assertNotRegex(name, "cuda|nccl|nvidia", f"named by {file}")


unittest.main()
