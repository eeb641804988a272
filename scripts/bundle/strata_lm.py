"""Strata: pretrains LLaMA-style decoders and compares ways of normalising them. The program is `strata`."""
import os
import sys


def main():
    """Starts the program beside this file, with the torch that this Python finds."""
    start = os.path.join(os.path.dirname(os.path.realpath(__file__)), "strata")
    os.environ.setdefault("STRATA_PYTHON", sys.executable)
    os.execv(start, [start, *sys.argv[1:]])
