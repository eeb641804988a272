#!/usr/bin/env python3
"""Usage: bible -f gen1:1-rev22:21 | scripts/make_demo_corpus.py FOLDER

Turns the King James Bible, as Debian's package bible-kjv prints it, into shards in C4's layout: one document a chapter,
every twentieth for validation.
"""
import gzip
import json
import re
import sys
from pathlib import Path

CHAPTERS = 1189
VERSE = re.compile(r"([1-3]?[A-Za-z]+)(\d+):\d+ (.*)")  # Ge1:1 In the beginning ...


def read_chapters(lines):
    """{("Ge", "1"): ["In the beginning ...", ...]}, in the order of the text."""
    chapters = {}
    for line in filter(None, map(str.strip, lines)):
        verse = VERSE.fullmatch(line)
        if not verse:
            sys.exit(f"make_demo_corpus: not a verse: {line!r}")
        book, chapter, text = verse.groups()
        chapters.setdefault((book, chapter), []).append(text)
    if len(chapters) != CHAPTERS:
        sys.exit(f"make_demo_corpus: {len(chapters)} chapters where the King James Bible has {CHAPTERS}")
    return chapters


def write_shard(path, documents):
    """At once or not at all; the same documents give the same bytes."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as shard:
        for document in documents:
            shard.write((json.dumps(document) + "\n").encode())
    unfinished.rename(path)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, end="")
        sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
    folder = Path(sys.argv[1])
    chapters = read_chapters(sys.stdin)
    documents = [
        {"text": "\n".join(verses), "timestamp": "1611-01-01T00:00:00Z", "url": f"debian:bible-kjv/{book}/{chapter}"}
        for (book, chapter), verses in chapters.items()
    ]
    validation = documents[10::20]
    train = [document for index, document in enumerate(documents) if index % 20 != 10]
    folder.mkdir(parents=True, exist_ok=True)
    write_shard(folder / "demo-train.00000-of-00002.json.gz", train[0::2])
    write_shard(folder / "demo-train.00001-of-00002.json.gz", train[1::2])
    write_shard(folder / "demo-validation.00000-of-00001.json.gz", validation)
    print(f"{folder}: {len(train)} chapters to train on, {len(validation)} for validation")


if __name__ == "__main__":
    main()
