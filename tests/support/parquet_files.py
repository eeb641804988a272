"""Usage: parquet_files.py FOLDER, in which texts.json is: writes the parquet files that tests read, by pyarrow.

Exit code 77: there is no pyarrow.
"""
import json
import sys
from decimal import Decimal
from pathlib import Path

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder = Path(sys.argv[1])
texts = json.loads((folder / "texts.json").read_text())


def write(name, table, **options):
    pq.write_table(table, folder / f"{name}.parquet", **options)


table = pa.table({"id": list(range(len(texts))), "text": texts})
write("texts", table, row_group_size=37)
for codec in ("none", "snappy", "gzip", "brotli", "lz4", "zstd"):
    write(f"codec_{codec}", table, compression=codec)
write("version_2", table, data_page_version="2.0", compression="zstd", write_page_checksum=True)
write("plain", table, use_dictionary=False, data_page_size=1024)
write("delta", table, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY", "id": "PLAIN"})
write("delta_length", table, use_dictionary=False, column_encoding={"text": "DELTA_LENGTH_BYTE_ARRAY", "id": "PLAIN"})
write("wide", table.set_column(1, "text", pa.array(texts, pa.large_string())))
write("bytes", table.set_column(1, "text", pa.array([text.encode() for text in texts], pa.binary())))
write("categories", pa.table({"text": pa.array(["a", "b", "a", None, "a"]).dictionary_encode()}))
repeated = [texts[i % 5] for i in range(2000)]
write("dictionary", pa.table({"text": repeated}), use_dictionary=True)
# The dictionary becomes too large in the middle of the column.
write("fallback", table, dictionary_pagesize_limit=2000, write_batch_size=20)
required = pa.schema([pa.field("text", pa.string(), nullable=False)])
write("required", pa.table({"text": texts}, schema=required), row_group_size=50)

inner = pa.array([{"text": text, "n": i} for i, text in enumerate(texts)])
write("nested", pa.table({"meta": inner}))
deep = pa.array([{"a": {"b": "one"}}, {"a": None}, None, {"a": {"b": None}}, {"a": {"b": "two"}}])
write("deep", pa.table({"top": deep}))
write("dotted", pa.table({"meta": inner, "meta.text": ["own"] * len(texts)}))
twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
write("twice", twice)

write("types", pa.table({
    "whole": [1], "real": [1.5], "yes": [True], "tags": [["a", "b"]], "struct": [{"a": "x", "b": 1}],
    "money": pa.array([Decimal("1.50")]), "fixed": pa.array([b"abcd"], pa.binary(4)),
    "when": pa.array([0], pa.timestamp("us")), "content": ["x"], "map": pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string())),
    "nothing": pa.nulls(1),
}))
write("nulls", pa.table({"text": ["one", None, "three", None, None, "six"]}), row_group_size=2)
write("odd", pa.table({"text": pa.array([b"fine", b"\xff\xfe", b"", b"long" * 10], pa.binary())}))
write("no_rows", pa.table({"text": pa.array([], pa.string())}))
pq.ParquetWriter(folder / "no_groups.parquet", required).close()
write("no_columns", pa.table({}))
write("small", pa.table({"text": texts[:40]}), row_group_size=15, write_page_checksum=True, compression="snappy")

# small, whose second row group of three has a wrong byte at its end.
damaged = bytearray((folder / "small.parquet").read_bytes())
column = pq.ParquetFile(folder / "small.parquet").metadata.row_group(1).column(0)
damaged[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1] ^= 1
(folder / "damaged.parquet").write_bytes(damaged)
