#!/usr/bin/env python3
"""Usage: pack.py --build FOLDER [--wide FOLDER] --version VERSION --out FOLDER [TEST_PROGRAM...]

Of a build, what scripts/bundle.sh promises: an archive and a wheel. Ends with their sizes, the libraries that they need
of a machine, and the oldest glibc.
"""
import argparse
import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Of glibc and the compiler: every machine has them. libgomp must be torch's.
OF_MACHINE = re.compile(r"(ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libresolv|libutil|libstdc\+\+|libgcc_s|libgomp)[.-]")
OF_PYARROW = re.compile(r"lib(arrow|parquet)\.")
OF_TORCH = re.compile(r"lib(torch|c10|cudart|cupti|cublas|cudnn|cufft|curand|cusolver|cusparse|cufile|nccl|nvrtc|nvJitLink|nvshmem|nvToolsExt|shm)")
EPOCH = (1980, 1, 1, 0, 0, 0)


def run(*command, **environment):
    return subprocess.run([str(word) for word in command], check=True, text=True, capture_output=True,
                          env={**os.environ, **environment}).stdout


def torch_folder(build):
    cache = (build / "CMakeCache.txt").read_text()
    return Path(re.search(r"^STRATA_TORCH_DIR:\w+=(.*)$", cache, re.MULTILINE)[1])


def place(source, target, runpath=None):
    """A program or library, stripped; runpath: where one of Strata's looks for others, instead of in this machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source.resolve(), target)
    target.chmod(0o755)
    run("strip", "--strip-unneeded", target)
    if runpath is None:
        return
    script = target.with_name("runpath.cmake")
    script.write_text(f'file(RPATH_SET FILE "{target}" NEW_RPATH "{runpath}")\n')
    run("cmake", "-P", script)
    script.unlink()


def foreign_libraries(files, torch):
    """{name: path} of what these need, one of another, and neither the machine nor torch has."""
    folders = [torch / "lib", torch.parent / "nvidia/cu13/lib", torch.parent / "nvidia/nccl/lib"]
    found = {}
    for file in files:
        listed = run("ldd", file, LD_LIBRARY_PATH=":".join(map(str, folders)))
        for name, path in re.findall(r"^\s*(\S+) => (\S+) \(", listed, re.MULTILINE):
            is_there = OF_MACHINE.match(name) or OF_TORCH.match(name) or OF_PYARROW.match(name)
            if not is_there and not name.startswith("libstrata"):
                found[name] = Path(path)
    return found


def newest_symbols(files):
    """The newest version of glibc's and of the C++ library's symbols that these need."""
    newest = {}
    for file in files:
        for kind, version in re.findall(r"\b(GLIBC|GLIBCXX)_([0-9.]+)", run("objdump", "-T", file)):
            number = tuple(map(int, version.split(".")))
            newest[kind] = max(newest.get(kind, (0,)), number)
    return {kind: ".".join(map(str, version)) for kind, version in newest.items()}


def make_tree(tree, arguments):
    build = arguments.build
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "share/strata").mkdir(parents=True)
    library = next(build.glob("libstrata.so.[0-9]"))
    place(build / "strata", tree / "bin/strata", "$ORIGIN/../lib")
    place(library, tree / "lib" / library.name, "$ORIGIN")
    place(build / "libstrata_commands.so", tree / "lib/libstrata_commands.so", "$ORIGIN")
    for module in ("libstrata_cuda.so", "libstrata_nccl.so", "libstrata_parquet.so"):
        if (build / module).exists():
            place(build / module, tree / "lib" / module, "$ORIGIN")
    if arguments.wide:
        place(arguments.wide / library.name, tree / "lib/glibc-hwcaps/x86-64-v4" / library.name, "$ORIGIN/../..")
    for test in arguments.tests:
        if (build / test).exists():
            place(build / test, tree / "bin" / test, "$ORIGIN/../lib")
    torch = torch_folder(build)
    for name, path in foreign_libraries([build / "strata", *build.glob("libstrata*.so"), *(
            build / test for test in arguments.tests if (build / test).exists())], torch).items():
        place(path, tree / "lib" / name)
    compiler = Path(run("g++", "-print-file-name=libstdc++.so.6").strip())
    place(compiler, tree / "lib/gcc/libstdc++.so.6")
    place(Path(run("g++", "-print-file-name=libgcc_s.so.1").strip()), tree / "lib/gcc/libgcc_s.so.1")

    shutil.copy(build / "strata.answers", tree / "share/strata")
    shutil.copytree(ROOT / "configs", tree / "share/strata/configs")
    demo = arguments.out / "demo"
    run(build / "strata", "quickstart", "--corpus-only", "--folder", demo)
    shutil.copytree(demo / "data/demo", tree / "share/strata/demo")
    for file in ("README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree)
    shutil.copy(HERE / "strata", tree)
    if arguments.tests:
        for vectors in ("golden", "golden2"):
            shutil.copytree(ROOT / "tests" / vectors, tree / "share/strata/tests" / vectors)
        shutil.copy(ROOT / "scripts/gpu_check.sh", tree)
        shutil.copy(ROOT / "scripts/gpu_report.py", tree)


def is_of_tests(path):
    return "tests" in path.parts or path.name.startswith("test_")


def make_archive(tree, path, tests):
    """Of the tests and what they read, or of everything else."""
    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        return entry

    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(tree.rglob("*")):
            if file.is_file() and is_of_tests(file.relative_to(tree)) == tests:
                archive.add(file, Path(tree.name) / file.relative_to(tree), filter=plain)
    return path


def make_wheel(tree, path, version, glibc):
    """As PEP 427 has it; a wheel is a zip with a list of its files."""
    name = f"strata_lm-{version}"
    tag = f"py3-none-manylinux_{glibc.replace('.', '_')}_x86_64"
    readme = (ROOT / "README.md").read_text()
    files = {"strata_lm/__init__.py": (HERE / "strata_lm.py").read_bytes(),
             "strata_lm/__main__.py": (HERE / "__main__.py").read_bytes(),
             f"{name}.dist-info/METADATA": (
                 f"Metadata-Version: 2.1\nName: strata-lm\nVersion: {version}\n"
                 "Summary: Pretrains LLaMA-style decoders and compares ways of normalising them\n"
                 "License: Apache-2.0\nRequires-Python: >=3.9\nRequires-Dist: torch==2.11.*\n"
                 "Provides-Extra: parquet\nRequires-Dist: pyarrow==26.0.1; extra == \"parquet\"\n"
                 f"Description-Content-Type: text/markdown\n\n{readme}").encode(),
             f"{name}.dist-info/WHEEL": (
                 f"Wheel-Version: 1.0\nGenerator: strata\nRoot-Is-Purelib: false\nTag: {tag}\n").encode(),
             f"{name}.dist-info/entry_points.txt": b"[console_scripts]\nstrata = strata_lm:main\n"}
    modes = {}
    for file in sorted(tree.rglob("*")):
        relative = file.relative_to(tree)
        if file.is_file() and not is_of_tests(relative) and relative.parts[0] not in ("gpu_check.sh", "gpu_report.py"):
            files[f"strata_lm/{relative}"] = file.read_bytes()
            modes[f"strata_lm/{relative}"] = file.stat().st_mode & 0o777
    record = f"{name}.dist-info/RECORD"
    lines = []
    for entry, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{entry},sha256={digest},{len(content)}\n")
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    path = path / f"{name}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for entry, content in files.items():
            info = zipfile.ZipInfo(entry, EPOCH)
            info.external_attr = (0o100000 | modes.get(entry, 0o644)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(info, content)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--wide", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("tests", nargs="*")
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tree = arguments.out / f"strata-{arguments.version}-linux-x86_64"
    make_tree(tree, arguments)
    binaries = [file for file in [*(tree / "lib").rglob("*.so*"), *(tree / "bin").iterdir()] if "gcc" not in file.parts]
    needs = newest_symbols(binaries)
    archives = [make_archive(tree, tree.with_name(tree.name + ".tgz"), False)]
    if arguments.tests:
        archives.append(make_archive(tree, tree.with_name(tree.name + "-tests.tgz"), True))
    wheel = make_wheel(tree, arguments.out, arguments.version, needs["GLIBC"])
    for made in (*archives, wheel):
        print(f"{made}: {made.stat().st_size / 1e6:.1f} MB")
    own = sorted(file.name for file in (tree / "lib").glob("*.so*") if not file.name.startswith("libstrata"))
    print(f"needs glibc {needs['GLIBC']}, torch 2.11; brings {', '.join(own)}")


if __name__ == "__main__":
    sys.exit(main())
