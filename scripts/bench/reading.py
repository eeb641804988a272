#!/usr/bin/env python3
"""Usage: reading.py STRATA FILE.json.gz... [--rounds N] [--megabytes N]

How fast text comes out of parquet (zstd, snappy), JSON lines in zstd and CSV on one thread: `strata bench reading`
against pyarrow's own readers of the same column of the same files. Alternating rounds (default: 5), each a process of
its own that times itself; the best of each. The texts are repeated to so many megabytes (default: 200). Needs pyarrow: run
it by the Python that scripts/install.sh --parquet made.
"""
import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq


def read_by_arrow(path):
    """Bytes of text, and the seconds that the reader took for it."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    begun = time.perf_counter()
    if path.suffix == ".parquet":
        batches = pq.ParquetFile(path, memory_map=True).iter_batches(columns=["text"], use_threads=False)
    elif ".csv" in path.suffixes:
        options = pa.csv.ParseOptions(newlines_in_values=True)
        reading = pa.csv.ReadOptions(use_threads=False, block_size=1 << 24)
        batches = pa.csv.read_csv(path, reading, options, pa.csv.ConvertOptions(include_columns=["text"])).to_batches()
    else:
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            reading = pa.json.ReadOptions(use_threads=False, block_size=1 << 24)
            batches = pa.json.read_json(stream, reading).select(["text"]).to_batches()
    total = 0
    for batch in batches:
        column = batch.column(0)
        size = 8 if pa.types.is_large_string(column.type) else 4
        offsets = memoryview(column.buffers()[1]).cast("q" if size == 8 else "i")
        total += offsets[column.offset + len(column)] - offsets[column.offset]
    return total, time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("strata")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=200)
    arguments = parser.parse_args()
    if arguments.strata == "arrow":
        print(*read_by_arrow(arguments.files[0]))
        return
    with tempfile.TemporaryDirectory() as scratch:
        texts = [json.loads(line)["text"] for file in arguments.files for line in gzip.open(file, "rt", encoding="utf-8")]
        texts *= 1 + arguments.megabytes * 1_000_000 // sum(len(text.encode()) for text in texts)
        table = pa.table({"id": list(range(len(texts))), "text": texts})
        paths = [Path(scratch) / name for name in ("zstd.parquet", "snappy.parquet", "lines.jsonl.zst", "rows.csv")]
        pq.write_table(table, paths[0], compression="zstd", row_group_size=1000)
        pq.write_table(table, paths[1], compression="snappy", row_group_size=1000)
        with pa.CompressedOutputStream(str(paths[2]), "zstd") as stream:
            for number, text in enumerate(texts):
                stream.write(json.dumps({"id": number, "text": text}).encode() + b"\n")
        pa.csv.write_csv(table, paths[3])
        for path in paths:
            rates = {"strata": [], "pyarrow": []}
            for _ in range(arguments.rounds):
                said = subprocess.run([arguments.strata, "bench", "reading", path], check=True, text=True,
                                      capture_output=True).stdout
                rates["strata"].append(float(re.search(r"([0-9.]+) MB/s", said)[1]))
                size, seconds = map(float, subprocess.run([sys.executable, __file__, "arrow", path], check=True, text=True,
                                                          capture_output=True).stdout.split())
                rates["pyarrow"].append(size / seconds / 1e6)
                if f"{int(size):,} bytes" not in said:
                    sys.exit(f"{path.name}: pyarrow read {int(size):,} bytes of text, {said}")
            ours, theirs = max(rates["strata"]), max(rates["pyarrow"])
            print(f"{path.name:16} strata {ours:7.1f} MB/s, pyarrow {theirs:7.1f} MB/s: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
