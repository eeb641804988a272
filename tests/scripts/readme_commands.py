"""Runs the README's commands that need no download, as written, with strata on the PATH.

Usage: readme_commands.py PROGRAM. They are the sh blocks behind a line `<!-- run by a test -->`; the folder they run in has
the repository's configs and scripts, and nothing else.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^<!-- run by a test -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main():
    program = Path(sys.argv[1]).resolve()
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    if not blocks:
        sys.exit("README.md has no block of commands to run")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in ("configs", "scripts"):
            (scratch / name).symlink_to(ROOT / name)
        (scratch / "bin").mkdir()
        (scratch / "bin/strata").symlink_to(program)
        environment = {**os.environ, "PATH": f"{scratch}/bin:{os.environ['PATH']}"}
        for command in "".join(blocks).splitlines():
            run = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=scratch, env=environment,
                                 capture_output=True, text=True)
            print(f"{run.returncode}  {command}", flush=True)
            if run.returncode != 0:
                sys.exit(f"{run.stdout}{run.stderr}\nthe command above failed")


if __name__ == "__main__":
    main()
