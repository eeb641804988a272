"""scripts/convert_eval.py: what it makes of originals like the published ones, and what it says about broken ones."""
import csv
import gzip
import io
import json
import os
import re
import subprocess
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/convert_eval.py"


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def zipped(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


def tarred(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return file.getvalue()


def science(name, stem, answer, labels="ABCD"):
    choices = [{"text": f"{name} {label}", "label": label} for label in labels]
    return {"id": name, "question": {"stem": stem, "choices": choices}, "answerKey": answer}


HELLASWAG = {
    "ind": 24, "activity_label": "Roof", "ctx_a": "A man sits.", "ctx_b": "he", "ctx": "A man sits. he", "split": "val",
    "split_type": "indomain", "label": 3, "endings": ["a", "b", "c", "d"], "source_id": "activitynet~v_1",
}
WIKIHOW = {
    "ind": 7, "activity_label": "Food", "ctx_a": "[header] How to cook [title] Boil  water. [step] Then", "ctx_b": "",
    "label": 0, "endings": ["[substeps] Wait.", "Stir [title] Eat it. ", "No [x", "Take  an EGG"],
}
# By the name under which an archive is published: its files.
ARCHIVES = {
    "BoolQ.zip": {
        "BoolQ/val.jsonl": lines(
            {"question": "is it so", "passage": "Title -- It is\u2028 so.", "idx": 0, "label": True},
            {"question": "is it not", "passage": "Title -- Ça.", "idx": 1, "label": False},
        ),
        "BoolQ/train.jsonl": lines({"question": "why", "passage": "P", "idx": 0, "label": False}),
        "BoolQ/test.jsonl": lines({"question": "when", "passage": "P", "idx": 0}),
    },
    "physicaliqa-train-dev.zip": {
        "physicaliqa-train-dev/dev.jsonl": lines(
            {"goal": "dresser", "sol1": "a ", "sol2": "b"}, {"goal": "desk", "sol1": "c", "sol2": "d"}
        ),
        "physicaliqa-train-dev/dev-labels.lst": "1\n0\n",
        "physicaliqa-train-dev/train.jsonl": lines({"id": "x", "goal": "pool", "sol1": "e", "sol2": "f"}),
        "physicaliqa-train-dev/train-labels.lst": "0\n",
    },
    "socialiqa-train-dev.zip": {
        "socialiqa-train-dev/dev.jsonl": lines(
            {"context": "C.", "question": "Q?", "answerA": "a", "answerB": "b", "answerC": "c"}
        ),
        "socialiqa-train-dev/dev-labels.lst": "3\n",
        "socialiqa-train-dev/train.jsonl": lines(
            {"context": "D.", "question": "R?", "answerA": "d", "answerB": "e", "answerC": "f"}
        ),
        "socialiqa-train-dev/train-labels.lst": "1\n",
    },
    "winogrande_1.1.zip": {
        "winogrande_1.1/dev.jsonl": lines(
            {"qID": "1-1", "sentence": "So _ won.", "option1": "Al", "option2": "Bo", "answer": "2"}
        ),
        "winogrande_1.1/train_xl.jsonl": lines(
            {"qID": "2-1", "sentence": "_ lost.", "option1": "Cy", "option2": "Di", "answer": "1"}
        ),
        "winogrande_1.1/train_xs.jsonl": lines({}),
    },
    "ARC-V1-Feb2018.zip": {
        "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy-Test.jsonl": lines(
            science("e1", "Letters?", "C"), science("e2", "Numbers?", "2", "1234"), science("e3", "Five?", "E", "ABCDE")
        ),
        "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy-Train.jsonl": lines(science("e4", "Three?", "A", "ABC")),
        "ARC-V1-Feb2018-2/ARC-Challenge/ARC-Challenge-Test.jsonl": lines(science("c1", "Hard?", "D")),
        "ARC-V1-Feb2018-2/ARC-Challenge/ARC-Challenge-Train.jsonl": lines(science("c2", "Harder?", "B")),
    },
    "OpenBookQA-V1-Sep2018.zip": {
        "OpenBookQA-V1-Sep2018/Data/Main/test.jsonl": lines(science("8-343", "A person wants to", "B")),
        "OpenBookQA-V1-Sep2018/Data/Main/train.jsonl": lines(science("7-980", "The sun is", " A")),
        "OpenBookQA-V1-Sep2018/Data/Additional/test_complete.jsonl": lines({}),
    },
    "data.tar": {
        "data/dev/anatomy_dev.csv": "Q?,a,b,c,d,A\n",
        "data/test/anatomy_test.csv": '"Which,\n""one""?",a,b,c,d,D\nQ2,a,b,c,d,B\n',
        "data/test/._anatomy_test.csv": "\x00",
        "data/val/anatomy_val.csv": "V,a,b,c,d,A\n",
        "data/auxiliary_train/race.csv": "R,a,b,c,d,A\n",
    },
}


def pack(name, files=None):
    files = ARCHIVES[name] if files is None else files
    return (tarred if name.endswith(".tar") else zipped)(files)


def published():
    """{name: content} of all that scripts/fetch_data.sh fetches."""
    return {name: pack(name) for name in ARCHIVES} | {
        "hellaswag_val.jsonl": lines(HELLASWAG, WIKIHOW).encode(),
        "hellaswag_train.jsonl": lines(WIKIHOW | {"ind": 9}).encode(),
    }


ORIGINALS = {  # of each task
    "boolq": ["BoolQ.zip"],
    "piqa": ["physicaliqa-train-dev.zip"],
    "siqa": ["socialiqa-train-dev.zip"],
    "hellaswag": ["hellaswag_val.jsonl", "hellaswag_train.jsonl"],
    "winogrande": ["winogrande_1.1.zip"],
    "arc_easy": ["ARC-V1-Feb2018.zip"],
    "arc_challenge": ["ARC-V1-Feb2018.zip"],
    "openbookqa": ["OpenBookQA-V1-Sep2018.zip"],
    "mmlu": ["data.tar"],
}


def layout(name, stem, gold, labels="ABCD"):
    choices = [f"{name} {label}" for label in labels]
    return {"id": name, "query": f"Question: {stem}\nAnswer:", "choices": choices, "gold": gold}


def boolq(idx, passage, question, gold):
    query = f"{passage}\nQuestion: {question}?\nAnswer:"
    return {"idx": idx, "query": query, "choices": ["yes", "no"], "gold": gold}


COOK = {"query": "Food: How to cook. Boil water. Then", "choices": [" Wait.", "Stir. Eat it.", "No [x", "Take an EGG"]}
ITEMS = {  # what strata eval reads: the items, and the pool of examples
    "boolq": [
        [boolq(0, "Title -- It is\u2028 so.", "is it so", 0), boolq(1, "Title -- Ça.", "is it not", 1)],
        [boolq(0, "P", "why", 1)],
    ],
    "piqa": [
        [
            {"goal": "dresser", "sol1": "a ", "sol2": "b", "label": 1},
            {"goal": "desk", "sol1": "c", "sol2": "d", "label": 0},
        ],
        [{"goal": "pool", "sol1": "e", "sol2": "f", "label": 0}],
    ],
    "siqa": [
        [{"context": "C.", "question": "Q?", "answerA": "a", "answerB": "b", "answerC": "c", "label": "3"}],
        [{"context": "D.", "question": "R?", "answerA": "d", "answerB": "e", "answerC": "f", "label": "1"}],
    ],
    "hellaswag": [
        [
            {"ind": 24, "query": "Roof: A man sits. He", "choices": ["a", "b", "c", "d"], "gold": 3},
            {"ind": 7, **COOK, "gold": 0},
        ],
        [{"ind": 9, **COOK, "gold": 0}],
    ],
    "winogrande": [
        [{"sentence": "So _ won.", "option1": "Al", "option2": "Bo", "answer": "2"}],
        [{"sentence": "_ lost.", "option1": "Cy", "option2": "Di", "answer": "1"}],
    ],
    "arc_easy": [
        [layout("e1", "Letters?", 2), layout("e2", "Numbers?", 1, "1234"), layout("e3", "Five?", 4, "ABCDE")],
        [layout("e4", "Three?", 0, "ABC")],
    ],
    "arc_challenge": [[layout("c1", "Hard?", 3)], [layout("c2", "Harder?", 1)]],
    "openbookqa": [[layout("8-343", "A person wants to", 1)], [layout("7-980", "The sun is", 0)]],
}


def read_items(path):
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().removesuffix("\n").split("\n")]


def read_zip(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def is_mmlu(folder):
    wanted = {name: text for name, text in ARCHIVES["data.tar"].items() if re.match(r"data/(dev|test)/a", name)}
    return read_zip(folder / "mmlu.zip") == wanted


class Conversion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.originals, self.out = Path(folder.name) / "originals", Path(folder.name) / "eval"
        self.originals.mkdir()
        for name, content in published().items():
            (self.originals / name).write_bytes(content)

    def convert(self, task):
        command = [SCRIPT, task, self.out, *(self.originals / name for name in ORIGINALS[task])]
        return subprocess.run(command, capture_output=True, text=True)

    def files(self):
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []

    def change(self, archive, changes):
        files = {name: text for name, text in (ARCHIVES[archive] | changes).items() if text is not None}
        (self.originals / archive).write_bytes(pack(archive, files))

    def expect_failure(self, task, complaint):
        run = self.convert(task)
        self.assertEqual((run.returncode, run.stdout, run.stderr.count("\n"), self.files()), (1, "", 1, []), run.stderr)
        self.assertIn(complaint, run.stderr)


class Layouts(Conversion):
    def test_items_and_pools(self):
        for task, (asked, pool) in ITEMS.items():
            run = self.convert(task)
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertEqual(run.stdout, f"{task}: {len(asked)} items, {len(pool)} to draw examples from\n")
            self.assertEqual(read_items(self.out / f"{task}.jsonl.gz"), asked, task)
            self.assertEqual(read_items(self.out / f"{task}.fewshot.jsonl.gz"), pool, task)
        self.assertEqual(len(self.files()), 2 * len(ITEMS))

    def test_mmlu_keeps_what_is_asked_and_the_examples(self):
        run = self.convert("mmlu")
        self.assertEqual((run.returncode, run.stderr, run.stdout), (0, "", "mmlu: 1 subjects, 2 items\n"))
        self.assertTrue(is_mmlu(self.out))

    def test_the_same_originals_give_the_same_bytes(self):
        for task, file in (("piqa", "piqa.jsonl.gz"), ("mmlu", "mmlu.zip")):
            self.convert(task)
            first = (self.out / file).read_bytes()
            os.utime(self.originals / ORIGINALS[task][0], (0, 0))
            self.convert(task)
            self.assertEqual((self.out / file).read_bytes(), first)
        self.assertEqual((self.out / "piqa.jsonl.gz").read_bytes()[4:8], bytes(4))  # when it was packed

    def test_hellaswag_context_that_is_not_there_is_empty(self):
        without = {name: value for name, value in HELLASWAG.items() if name != "ctx_b"}
        (self.originals / "hellaswag_val.jsonl").write_text(lines(without))
        self.convert("hellaswag")
        self.assertEqual(read_items(self.out / "hellaswag.jsonl.gz")[0]["query"], "Roof: A man sits.")

    def test_help(self):
        run = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0)
        self.assertTrue(all(re.search(rf"\b{task}\b", run.stdout) for task in ORIGINALS))


class Broken(Conversion):
    def test_wrong_arguments(self):
        for arguments in ("", "boolq", "boolq out", "hellaswag out a", "rte out a", "piqa out a b"):
            run = subprocess.run([SCRIPT, *arguments.split()], capture_output=True, text=True)
            self.assertEqual(run.returncode, 2, arguments)

    def test_records(self):
        """Every field of every record: without it, and with another kind of value."""
        for task, (archive, file) in {
            "boolq": ("BoolQ.zip", "BoolQ/val.jsonl"),
            "piqa": ("physicaliqa-train-dev.zip", "physicaliqa-train-dev/dev.jsonl"),
            "siqa": ("socialiqa-train-dev.zip", "socialiqa-train-dev/dev.jsonl"),
            "winogrande": ("winogrande_1.1.zip", "winogrande_1.1/train_xl.jsonl"),
            "openbookqa": ("OpenBookQA-V1-Sep2018.zip", "OpenBookQA-V1-Sep2018/Data/Main/test.jsonl"),
        }.items():
            *others, last = ARCHIVES[archive][file].splitlines(keepends=True)
            for name in set(json.loads(last)) - {"qID"}:
                record = json.loads(last)
                for broken, what in ((record | {name: None}, "is not"), (record, "is missing")):
                    if what == "is missing":
                        del broken[name]
                    self.change(archive, {file: "".join(others) + lines(broken)})
                    place = f"{self.originals / archive}: {file}:{len(others) + 1}"
                    self.expect_failure(task, f'convert_eval: {place}: the field "{name}" {what}')

    def test_records_of_a_plain_file(self):
        for name in ("ind", "activity_label", "endings", "label"):
            for broken in ({**HELLASWAG, name: None}, {key: value for key, value in HELLASWAG.items() if key != name}):
                (self.originals / "hellaswag_train.jsonl").write_text(lines(HELLASWAG, broken))
                self.expect_failure("hellaswag", f'hellaswag_train.jsonl:2: the field "{name}" is')

    def test_values(self):
        textless = science("e", "S", "A")
        del textless["question"]["choices"][1]["text"]
        easy, wino = "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy-Test.jsonl", "winogrande_1.1/dev.jsonl"
        options = {"option1": "", "option2": ""}
        for task, file, record, complaint in (
            ("winogrande", wino, {"sentence": "_", "answer": ""} | options, "not one of 1 2"),
            ("winogrande", wino, {"sentence": "", "answer": "1"} | options, "no _"),
            ("arc_easy", easy, science("e", "S", "5", "1234"), '"5", not one of 1 2 3 4'),
            ("arc_easy", easy, science("e", "S", "A", "A"), "at least two"),
            ("arc_easy", easy, textless, 'the field "text" is missing'),
            ("boolq", "BoolQ/train.jsonl", {"question": "\ud83d", "passage": "", "idx": 0, "label": True}, "surrogate"),
        ):
            self.change(ORIGINALS[task][0], {file: lines(record)})
            self.expect_failure(task, f"{file}:1: ")
            self.expect_failure(task, complaint)
        (self.originals / "hellaswag_val.jsonl").write_text(lines(HELLASWAG | {"label": 4}))
        self.expect_failure("hellaswag", 'the field "label" is 4, not one of 0 1 2 3')
        (self.originals / "hellaswag_val.jsonl").write_text(lines(HELLASWAG | {"endings": ["a", "b", "c"]}))
        self.expect_failure("hellaswag", "does not hold four strings")

    def test_labels(self):
        folder = "socialiqa-train-dev"
        for labels, complaint in (
            ("1\n2\n", "dev-labels.lst: has 2 labels for the 1 records of"),
            ("", "dev-labels.lst: has 0 labels"),
            ("4\n", 'dev.jsonl:1: the label is "4", not one of 1 2 3'),
            (None, "dev-labels.lst: the archive has no such file"),
        ):
            self.change(f"{folder}.zip", {f"{folder}/dev-labels.lst": labels})
            self.expect_failure("siqa", complaint)

    def test_files(self):
        for text, complaint in (
            ("{\n", "BoolQ/train.jsonl:1: broken JSON: "),
            ("", "BoolQ/train.jsonl:1: broken JSON: "),
            ("[]\n", "BoolQ/train.jsonl:1: not a JSON object"),
            (b"\xff\n", "BoolQ/train.jsonl: is not UTF-8"),
            (None, "BoolQ/train.jsonl: the archive has no such file"),
        ):
            self.change("BoolQ.zip", {"BoolQ/train.jsonl": text})
            self.expect_failure("boolq", complaint)

    def test_archives(self):
        for task, name, size in (("boolq", "BoolQ.zip", 300), ("mmlu", "data.tar", 600)):
            (self.originals / name).write_bytes((self.originals / name).read_bytes()[:size])
            self.expect_failure(task, f"{name}: is no ")
            (self.originals / name).unlink()
            self.expect_failure(task, "No such file")

    def test_subjects(self):
        for changes, complaint in (
            ({"data/dev/anatomy_dev.csv": None}, "not in both of data/test and data/dev: anatomy"),
            ({"data/test/virology_test.csv": "Q,a,b,c,d,A\n"}, "not in both of data/test and data/dev: virology"),
            ({"data/dev/anatomy_dev.csv": None, "data/test/anatomy_test.csv": None}, "none at all"),
            ({"data/dev/anatomy_dev.csv": "Q,a,b,c,d,A\nQ,a,b,c,D\n"}, "data/dev/anatomy_dev.csv:2: not a question, four"),
            ({"data/dev/anatomy_dev.csv": "Q,a,b,c,d,E\n"}, "data/dev/anatomy_dev.csv:1: not a question, four"),
            ({"data/test/anatomy_test.csv": '"Q,a\n'}, "data/test/anatomy_test.csv:1: "),
            ({"data/test/anatomy_test.csv": ""}, "data/test/anatomy_test.csv: holds no items"),
        ):
            self.change("data.tar", changes)
            self.expect_failure("mmlu", complaint)

    def test_a_folder_that_cannot_be_written(self):
        self.out.write_text("a file")
        run = self.convert("piqa")
        self.assertEqual((run.returncode, run.stderr.count("\n")), (1, 1), run.stderr)


def spaces_doubled(text):
    """What upstream's `replace("  ", " ")` makes `text` of."""
    return re.sub("  +", lambda spaces: " " * (2 * len(spaces[0]) - 1), text)


def bracketed(ending):
    """What upstream's preprocess makes `ending` of: spaces at its ends had a bracket beside them, as all of it may have."""
    text = spaces_doubled(ending)
    return ("[header]" if ending.startswith(" ") else "") + text + ("[substeps]" if ending.endswith(" ") else "")


def hellaswag_of(item):
    label, _, context = item["query"].partition(": ")
    begin, stop, rest = context.rpartition(". ")
    if not (stop and rest and rest == rest.lower().capitalize()):
        begin, stop, rest = context, "", ""
    title = spaces_doubled(begin + stop.rstrip()).replace(". ", " [title]", 1)
    original = {"ind": item["ind"], "activity_label": label, "ctx_a": title, "ctx_b": spaces_doubled(rest.lower())}
    return original | {"endings": [bracketed(choice) for choice in item["choices"]], "label": item["gold"]}


def science_of(item):
    letters = "12345" if len(item["id"]) % 2 else "ABCDE"
    stem = item["query"].removeprefix("Question: ").removesuffix("\nAnswer:")
    choices = [{"text": text, "label": label} for text, label in zip(item["choices"], letters)]
    return {"id": item["id"], "question": {"stem": stem, "choices": choices}, "answerKey": letters[item["gold"]]}


def boolq_of(item):
    passage, _, question = item["query"].removesuffix("?\nAnswer:").rpartition("\nQuestion: ")
    return {"question": question, "passage": passage, "idx": item["idx"], "label": item["choices"][item["gold"]] == "yes"}


def unlabelled(item):
    return {name: value for name, value in item.items() if name != "label"}


@unittest.skipUnless(os.environ.get("STRATA_TEST_DATA"), "STRATA_TEST_DATA is not set")
class RealItems(Conversion):
    """Items in Strata's layout, brought back into their authors' and converted again: they are themselves."""

    def test_all(self):
        folder = Path(os.environ.get("STRATA_TEST_DATA", "")) / "eval"
        for task, asked, of in (
            ("boolq", "BoolQ/val.jsonl", boolq_of),
            ("piqa", "physicaliqa-train-dev/dev.jsonl", unlabelled),
            ("siqa", "socialiqa-train-dev/dev.jsonl", unlabelled),
            ("hellaswag", None, hellaswag_of),
            ("winogrande", "winogrande_1.1/dev.jsonl", dict),
            ("arc_easy", "ARC-V1-Feb2018-2/ARC-Easy/ARC-Easy-Test.jsonl", science_of),
            ("arc_challenge", "ARC-V1-Feb2018-2/ARC-Challenge/ARC-Challenge-Test.jsonl", science_of),
            ("openbookqa", "OpenBookQA-V1-Sep2018/Data/Main/test.jsonl", science_of),
        ):
            real = folder / f"{task}{'_1000' if task == 'hellaswag' else ''}.jsonl.gz"
            items = read_items(real)
            original = lines(*map(of, items))
            if asked is None:
                (self.originals / "hellaswag_val.jsonl").write_text(original)
            else:
                labels = {asked.replace(".jsonl", "-labels.lst"): "".join(f"{item.get('label')}\n" for item in items)}
                self.change(ORIGINALS[task][0], {asked: original} | labels)
            run = self.convert(task)
            self.assertEqual((run.returncode, run.stderr), (0, ""), task)
            made = gzip.decompress((self.out / f"{task}.jsonl.gz").read_bytes())
            self.assertTrue(made == gzip.decompress(real.read_bytes()), f"{task}: not the same bytes")

    def test_mmlu(self):
        real = read_zip(Path(os.environ["STRATA_TEST_DATA"]) / "eval/mmlu.zip")
        real = {name: text for name, text in real.items() if name.endswith(".csv")}
        (self.originals / "data.tar").write_bytes(tarred(real))
        run = self.convert("mmlu")
        self.assertEqual((run.returncode, run.stderr, run.stdout), (0, "", "mmlu: 57 subjects, 14,042 items\n"))
        wanted = {name: text for name, text in real.items() if not name.startswith("data/val/")}
        self.assertTrue(read_zip(self.out / "mmlu.zip") == wanted)
        self.assertEqual(len(list(csv.reader(io.StringIO(wanted["data/dev/virology_dev.csv"])))), 5)


if __name__ == "__main__":
    unittest.main()
