"""What README.md, CONTRIBUTING.md and docs/ name is there: files, links, subcommands, options, keys, quoted files.

Usage: readme_test.py [PROGRAM]; without the program subcommands, options and keys are not looked at.
"""
import functools
import re
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = None
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
RECIPES = sorted((ROOT / "tests/recipes").glob("*/"))
README_LINES, README_COLUMNS = 150, 120

FENCE = re.compile(r"^(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"(?<![\w/.<-])(?:src|include|tests|tools|scripts|configs|docs|cmake)/[\w./{},*<>-]*")
FIELD = re.compile(r'\{"([a-z_]+)", (?!Align)')  # {"name", value} of a JSON object, not a column of a table
MEMBER = re.compile(r'(?:line|json|one|root|result|results|numbers)\["([a-z_]+)"\]')
KEY = re.compile(r"([a-z_]+(?:\.[a-z_0-9]+)+)=")


def without_fences(text):
    return FENCE.sub("", text)


def expanded(pattern):
    """a/{b,c}.d as a/b.d and a/c.d."""
    braces = re.search(r"\{([^{}]*,[^{}]*)\}", pattern)
    if not braces:
        return [pattern]
    return [pattern[: braces.start()] + word + pattern[braces.end() :] for word in braces[1].split(",")]


def is_there(name):
    """In the repository, or what a recipe adds to it."""
    name = name.rstrip("/.,")
    return any(
        (folder / name).exists() or ("*" in name and any(folder.glob(name))) for folder in [ROOT, *RECIPES]
    )


def slug(heading):
    """A heading's anchor, as GitHub makes it."""
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return words.replace(" ", "-")


def anchors_of(page):
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", without_fences(page.read_text()), re.MULTILINE)}


def shell_lines(text):
    """Commands of fenced sh blocks, and of indented lines that begin with `$ `."""
    lines = []
    for block in FENCE.finditer(text):
        if block["language"] == "sh":
            lines += block["text"].replace("\\\n", " ").splitlines()
    lines += re.findall(r"^    \$ (.*)$", text, re.MULTILINE)
    return lines


def commands_of(text):
    """The words behind each `strata`, of shell lines and of inline code."""
    inline = re.findall(r"`(strata [^`]*)`", without_fences(text))
    for line in shell_lines(text) + inline:
        try:
            words = shlex.split(line.replace("\\|", "|"), comments=True)
        except ValueError:
            raise AssertionError(f"cannot be read as a command: {line}") from None
        while "strata" in words:
            words = words[words.index("strata") + 1 :]
            end = next((i for i, word in enumerate(words) if word in ("&&", "|", ";", "strata")), len(words))
            yield line, words[:end]


@functools.cache
def help_of(*subcommands):
    run = subprocess.run([PROGRAM, *subcommands, "--help"], capture_output=True, text=True)
    return run.stdout if run.returncode == 0 else ""


@functools.cache
def subcommands_of(*subcommands):
    found, heading = set(), ""
    for line in help_of(*subcommands).splitlines():
        if re.fullmatch(r"[A-Z][a-z ]*:", line):
            heading = line
        # The program's commands stand under what they are for.
        elif heading == "Subcommands:" or (not subcommands and heading not in ("", "Options:")):
            found.update(re.findall(r"^  ([a-z][a-z-]*)", line))
    return found


@functools.cache
def options_of(*subcommands):
    return set(re.findall(r"--[a-z][a-z0-9-]*", help_of(*subcommands)))


@functools.cache
def keys():
    printed = subprocess.run([PROGRAM, "inspect", "--keys"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^\s*([a-z_]+(?:\.[a-z_0-9]+)+)\b", printed, re.MULTILINE))


def problems_of(words):
    """What is wrong with the words behind `strata`."""
    path = []
    while words and words[0] in subcommands_of(*path):
        path.append(words[0])
        words = words[1:]
    if not path:
        return [] if not words or words[0] == "..." or words[0].isupper() or words[0].startswith("--") else [f"no subcommand {words[0]}"]
    problems = []
    if subcommands_of(*path) and words and not words[0].isupper():
        problems.append(f"no subcommand {' '.join(path)} {words[0]}")
    for place, word in enumerate(words):
        if word == "--":
            return problems + problems_of(words[place + 1 :])
        option = word.split("=")[0]
        if option.startswith("--") and option not in options_of(*path):
            problems.append(f"no option {' '.join(path)} {option}")
    return problems


class Readme(unittest.TestCase):
    def test_is_short(self):
        lines = (ROOT / "README.md").read_text().splitlines()
        self.assertLessEqual(len(lines), README_LINES)
        for number, line in enumerate(lines, 1):
            self.assertLess(len(line), README_COLUMNS, f"README.md:{number}")

    def test_shows_the_scheme_of_the_recipe(self):
        (file,) = (ROOT / "tests/recipes/scheme/src/norm/schemes").glob("*.cpp")
        shown = [block["text"] for block in FENCE.finditer((ROOT / "README.md").read_text()) if block["language"] == "cpp"]
        frame = re.compile(r"#include|namespace |}  // namespace|$")
        lines = [line for line in file.read_text().splitlines() if not frame.match(line)]
        self.assertEqual([[line for line in text.splitlines() if line] for text in shown], [lines])

    def test_shows_a_config_that_is_there(self):
        shown = [block["text"] for block in FENCE.finditer((ROOT / "README.md").read_text()) if block["language"] == "yaml"]
        file = (ROOT / "configs/pretrain/small.yaml").read_text()
        self.assertEqual(shown, [re.sub(r"\A(#.*\n)*", "", file)])


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in LINK.findall(without_fences(page.read_text())):
                if "://" in target:
                    continue
                with self.subTest(page=page.name, link=target):
                    file, _, anchor = target.partition("#")
                    to = (page.parent / file).resolve() if file else page
                    self.assertTrue(to.exists(), "no such file")
                    if anchor:
                        self.assertIn(anchor, anchors_of(to))

    def test_named_files_are_there(self):
        for page in PAGES:
            for pattern in sorted(set(NAMED_FILE.findall(page.read_text()))):
                for name in expanded(pattern) if "<" not in pattern else []:
                    with self.subTest(page=page.name, file=name):
                        self.assertTrue(is_there(name))

    def test_quoted_files_are_quoted_whole(self):
        for page in PAGES:
            for block in FENCE.finditer(page.read_text()):
                if block["mark"] and block["mark"].startswith("file "):
                    with self.subTest(page=page.name, file=block["mark"]):
                        self.assertEqual(block["text"], (ROOT / block["mark"].split()[1]).read_text())

    # What strata eval writes; the fields of a run's own files are a table of the program, and a test makes them.
    def test_metrics_explain_every_field_of_results(self):
        explained = (ROOT / "docs/metrics.md").read_text()
        for file in [ROOT / "src/eval/results.cpp", ROOT / "src/eval/score_file.cpp"]:
            text = file.read_text()
            fields = sorted(set(FIELD.findall(text)) | set(MEMBER.findall(text)))
            self.assertTrue(fields, file.name)
            for field in fields:
                with self.subTest(file=file.name, field=field):
                    self.assertTrue(f"`{field}`" in explained, "docs/metrics.md does not explain it")


class Commands(unittest.TestCase):
    def setUp(self):
        if PROGRAM is None:
            self.skipTest("no program was given")

    def test_are_understood(self):
        self.assertGreater(len(subcommands_of()), 10, "the help of the program lists no subcommands")
        for page in PAGES:
            for line, words in commands_of(page.read_text()):
                with self.subTest(page=page.name, command=line):
                    self.assertEqual(problems_of(words), [])

    def test_set_keys_that_exist(self):
        self.assertGreater(len(keys()), 50, "strata inspect --keys lists no keys")
        for page in PAGES:
            for line, words in commands_of(page.read_text()):
                for key in filter(None, (KEY.match(word) for word in words)):
                    with self.subTest(page=page.name, command=line):
                        self.assertIn(key[1], keys())


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
