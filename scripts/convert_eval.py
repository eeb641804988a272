#!/usr/bin/env python3
"""Usage: scripts/convert_eval.py TASK FOLDER ORIGINAL...

Brings an evaluation task from the files that its authors published into the layout that `strata eval` reads:
FOLDER/TASK.jsonl.gz, the split that is asked, and FOLDER/TASK.fewshot.jsonl.gz, the training split, from which examples
are drawn; both or none. MMLU becomes FOLDER/mmlu.zip, whose dev files hold the examples.

  TASK                     ORIGINAL
  boolq                    BoolQ.zip, as SuperGLUE has it
  piqa                     physicaliqa-train-dev.zip
  siqa                     socialiqa-train-dev.zip
  hellaswag                hellaswag_val.jsonl hellaswag_train.jsonl
  winogrande               winogrande_1.1.zip
  arc_easy, arc_challenge  ARC-V1-Feb2018.zip
  openbookqa               OpenBookQA-V1-Sep2018.zip
  mmlu                     data.tar
"""
import csv
import gzip
import io
import json
import re
import sys
import tarfile
import zipfile
import zlib
from collections import namedtuple
from pathlib import Path

Task = namedtuple("Task", "item asked pool has_labels", defaults=[False])  # has_labels: they are in NAME-labels.lst
KINDS = {str: "a string", int: "a whole number", bool: "true or false", list: "a list", dict: "an object"}


class Wrong(Exception):
    """What is wrong with an original, in one line."""


def field(record, name, kind):
    if name not in record:
        raise Wrong(f'the field "{name}" is missing')
    if type(record[name]) is not kind:
        raise Wrong(f'the field "{name}" is not {KINDS[kind]}')
    return record[name]


def one_of(what, value, known):
    if value not in known:
        raise Wrong(f"{what} is {json.dumps(value)}, not one of {' '.join(map(str, known))}")
    return value


def boolq(record):
    """SuperGLUE's passage begins with the title, as upstream's prompt has it; BoolQ's own release keeps them apart."""
    query = f"{field(record, 'passage', str)}\nQuestion: {field(record, 'question', str)}?\nAnswer:"
    gold = 0 if field(record, "label", bool) else 1
    return {"idx": field(record, "idx", int), "query": query, "choices": ["yes", "no"], "gold": gold}


def piqa(record, label):
    item = {name: field(record, name, str) for name in ("goal", "sol1", "sol2")}
    return item | {"label": int(one_of("the label", label, ["0", "1"]))}


def siqa(record, label):
    item = {name: field(record, name, str) for name in ("context", "question", "answerA", "answerB", "answerC")}
    return item | {"label": one_of("the label", label, ["1", "2", "3"])}


def winogrande(record):
    item = {name: field(record, name, str) for name in ("sentence", "option1", "option2", "answer")}
    if "_" not in item["sentence"]:
        raise Wrong('the field "sentence" has no _ where an option would stand')
    one_of('the field "answer"', item["answer"], ["1", "2"])
    return item


def without_brackets(text):
    """lm-evaluation-harness's preprocess (tasks/hellaswag/utils.py). Brackets are left from WikiHow's layout."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def hellaswag(record):
    """lm-evaluation-harness's process_docs; a context that is not there is empty, as in the hub's loading script."""
    begin, rest = (field({"ctx_a": "", "ctx_b": "", **record}, name, str) for name in ("ctx_a", "ctx_b"))
    endings = field(record, "endings", list)
    if len(endings) != 4 or not all(isinstance(ending, str) for ending in endings):
        raise Wrong('the field "endings" does not hold four strings')
    return {
        "ind": field(record, "ind", int),
        "query": without_brackets(f"{field(record, 'activity_label', str)}: {begin} {rest.capitalize()}"),
        "choices": [without_brackets(ending) for ending in endings],
        "gold": one_of('the field "label"', field(record, "label", int), [0, 1, 2, 3]),
    }


def science(record):
    """ARC and OpenBookQA: choices have labels, A B C D or 1 2 3 4, and the answer is one of them."""
    question = field(record, "question", dict)
    choices = field(question, "choices", list)
    if len(choices) < 2 or not all(isinstance(choice, dict) for choice in choices):
        raise Wrong('the field "choices" does not hold at least two objects')
    labels = [field(choice, "label", str) for choice in choices]
    answer = one_of('the field "answerKey"', field(record, "answerKey", str).strip(), labels)
    return {
        "id": field(record, "id", str),
        "query": f"Question: {field(question, 'stem', str)}\nAnswer:",
        "choices": [field(choice, "text", str) for choice in choices],
        "gold": labels.index(answer),
    }


def arc(name):
    return Task(science, *(f"ARC-V1-Feb2018-2/{name}/{name}-{split}.jsonl" for split in ("Test", "Train")))


TASKS = {
    "boolq": Task(boolq, "BoolQ/val.jsonl", "BoolQ/train.jsonl"),
    "piqa": Task(piqa, "physicaliqa-train-dev/dev.jsonl", "physicaliqa-train-dev/train.jsonl", True),
    "siqa": Task(siqa, "socialiqa-train-dev/dev.jsonl", "socialiqa-train-dev/train.jsonl", True),
    "hellaswag": Task(hellaswag, "hellaswag_val.jsonl", "hellaswag_train.jsonl"),
    "winogrande": Task(winogrande, "winogrande_1.1/dev.jsonl", "winogrande_1.1/train_xl.jsonl"),
    "arc_easy": arc("ARC-Easy"),
    "arc_challenge": arc("ARC-Challenge"),
    "openbookqa": Task(
        science, "OpenBookQA-V1-Sep2018/Data/Main/test.jsonl", "OpenBookQA-V1-Sep2018/Data/Main/train.jsonl"
    ),
}


def read(originals, name):
    """Where the file `name` stands, and its text: it is one of the originals, or lies in their only one, an archive."""
    own = [path for path in originals if path.name == name]
    source = str(own[0]) if own else f"{originals[0]}: {name}"
    try:
        if own:
            content = own[0].read_bytes()
        else:
            with zipfile.ZipFile(originals[0]) as archive:
                content = archive.read(name)
        return source, content.decode()
    except KeyError:
        raise Wrong(f"{source}: the archive has no such file")
    except UnicodeDecodeError:
        raise Wrong(f"{source}: is not UTF-8")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as failure:  # RuntimeError: locked, or packed oddly
        raise Wrong(f"{originals[0]}: is no zip archive, or a damaged one ({failure})")


def parse(line):
    try:
        record = json.loads(line)
    except ValueError as failure:
        raise Wrong(f"broken JSON: {failure}")
    if not isinstance(record, dict):
        raise Wrong("not a JSON object")
    return record


def items_of(task, originals, name):
    """Lines of JSON, one for each record of a file, in its order."""
    source, text = read(originals, name)
    lines = text.removesuffix("\n").split("\n")  # splitlines() would also cut at what a string may hold, as U+2028
    extra = [()] * len(lines)
    if task.has_labels:
        labels_source, labels = read(originals, name.removesuffix(".jsonl") + "-labels.lst")
        extra = [(label,) for label in labels.split()]
        if len(extra) != len(lines):
            raise Wrong(f"{labels_source}: has {len(extra)} labels for the {len(lines)} records of {name}")
    items = []
    for number, (line, label) in enumerate(zip(lines, extra), 1):
        try:
            items.append(json.dumps(task.item(parse(line), *label), ensure_ascii=False).encode() + b"\n")
        except Wrong as wrong:
            raise Wrong(f"{source}:{number}: {wrong}")
        except UnicodeEncodeError:
            raise Wrong(f"{source}:{number}: holds half of a surrogate pair")
    return items


def check_subject(source, content):
    """QUESTION,A,B,C,D,LETTER; returns the number of questions."""
    try:
        rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
        count = 0
        for count, row in enumerate(rows, 1):
            if len(row) != 6 or row[5] not in list("ABCD"):
                raise Wrong(f"{source}:{rows.line_num}: not a question, four choices and one of A B C D")
    except UnicodeDecodeError:
        raise Wrong(f"{source}: is not UTF-8")
    except csv.Error as failure:
        raise Wrong(f"{source}:{rows.line_num}: {failure}")
    if not count:
        raise Wrong(f"{source}: holds no items")
    return count


def read_subjects(path):
    """{"test/anatomy": its CSV}, the splits that are asked or hold examples."""
    subjects = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = re.fullmatch(r"data/(dev|test)/([^/.][^/]*)_\1\.csv", member.name)
                if name and member.isfile():
                    subjects[f"{name[1]}/{name[2]}"] = archive.extractfile(member).read()
    except (tarfile.TarError, zlib.error, EOFError) as failure:
        raise Wrong(f"{path}: is no tar archive, or a damaged one ({failure})")
    return subjects


def convert_mmlu(path):
    """{"mmlu.zip": its bytes}, and what it holds, in words."""
    subjects = read_subjects(path)
    count = {"dev": 0, "test": 0}
    names = {split: {key.partition("/")[2] for key in subjects if key.startswith(split + "/")} for split in count}
    if not names["test"] or names["test"] != names["dev"]:
        odd = ", ".join(sorted(names["test"] ^ names["dev"])) or "none at all"
        raise Wrong(f"{path}: subjects that are not in both of data/test and data/dev: {odd}")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in sorted(subjects.items()):
            split = key.partition("/")[0]
            name = f"data/{key}_{split}.csv"
            count[split] += check_subject(f"{path}: {name}", content)
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return {"mmlu.zip": file.getvalue()}, f"{len(names['test'])} subjects, {count['test']:,} items"


def convert(name, originals):
    """{file name: content}, and what they hold, in words."""
    if name == "mmlu":
        return convert_mmlu(originals[0])
    task = TASKS[name]
    asked, pool = (items_of(task, originals, file) for file in (task.asked, task.pool))
    files = {f"{name}.fewshot.jsonl.gz": b"".join(pool), f"{name}.jsonl.gz": b"".join(asked)}
    summary = f"{len(asked):,} items, {len(pool):,} to draw examples from"
    return {file: gzip.compress(content, mtime=0) for file, content in files.items()}, summary


def write(folder, files):
    """All or none, but for a crash between two renames."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = {folder / f"{name}.part": folder / name for name in files}
    try:
        for path, content in zip(unfinished, files.values()):
            path.write_bytes(content)
        for path, finished in unfinished.items():
            path.rename(finished)
    finally:
        for path in unfinished:
            path.unlink(missing_ok=True)


def main(arguments):
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__, end="")
        return 0 if arguments else 2
    name, folder, *originals = arguments + [""] * (3 - len(arguments))
    wanted = 2 if name == "hellaswag" else 1
    if name not in [*TASKS, "mmlu"] or not folder or len(list(filter(None, originals))) != wanted:
        print("convert_eval: not TASK FOLDER ORIGINAL... as --help lists them", file=sys.stderr)
        return 2
    try:
        files, summary = convert(name, [Path(original) for original in originals])
        write(Path(folder), files)
    except (Wrong, OSError) as wrong:
        print(f"convert_eval: {wrong}", file=sys.stderr)
        return 1
    print(f"{name}: {summary}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
