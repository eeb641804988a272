#!/usr/bin/env python3
"""Checks the house rules that no compiler knows: layers, budgets, where #if and scheme names may stand.

Usage: check_layers.py [REPOSITORY]. Prints one line per finding, "file:line: message"; exits with 1 if there is any.
"""
import os
import re
import sys
from pathlib import Path

LEVELS = [
    {"base"},
    {"config", "io", "kernels"},
    {"workers", "data", "norm", "plot"},
    {"nn", "optim"},
    {"train"},
    {"eval", "hub", "plan"},
    {"run"},
    {"study"},
    {"tools", "tests"},
]
LEVEL_OF = {module: level for level, modules in enumerate(LEVELS) for module in modules}

# (file, module that it includes) -> why it may.
LAYER_EXCEPTIONS: dict[tuple[str, str], str] = {}
# file -> why it may use #if.
CONDITION_EXCEPTIONS = {"include/strata/base/check.h": "assertions cost nothing in release builds"}
# (file, scheme that it names) -> why it may.
SCHEME_EXCEPTIONS = {("include/strata/config/norm.h", "pre"): "the default of norm.scheme: what stock LLaMA has",
                     ("src/hub/architectures.cpp", "olmo2"): "what transformers calls a model, and its scheme here"}

HEAVY_HEADERS = {"torch/torch.h", "torch/all.h", "torch/extension.h", "ATen/ATen.h"}
CONDITION_FOLDERS = ("src/kernels/", "include/strata/kernels/", "tests/cuda_on_host/")
SCHEME_FOLDERS = ("src/norm/schemes/", "tests/")
SOURCE_SUFFIXES = {".h", ".cpp", ".inl", ".cu", ".cuh"}
FILE_LINES, HEADER_LINES, TOOL_LINES, FUNCTION_LINES = 400, 150, 200, 60

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
REGISTRATION = re.compile(r'STRATA_REGISTER_SCHEME\(\s*"([^"]+)"')

LITERAL = re.compile(
    r'(?P<raw>R"(?P<mark>[^()\s"]*)\(.*?\)(?P=mark)")'
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>\b\d[\w']*)"
    r"|(?P<char>'(?:\\.|[^'\\\n])+')",
    re.DOTALL,
)


def code_of(text, keep_strings=False):
    """The text without comments and preprocessor lines (and string contents), on the same lines as before."""

    def replace(match):
        if match["number"] or (keep_strings and not match["comment"]):
            return match[0]
        newlines = "\n" * match[0].count("\n")
        return newlines or " " if match["comment"] else '""' + newlines

    def blank(match):
        return "\n" * match[0].count("\n")

    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, LITERAL.sub(replace, text), flags=re.MULTILINE)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class FunctionFinder:
    """Lengths of functions, from their braces. `code` is what code_of() gives."""

    TYPE = re.compile(r"(?:(?:inline|static|typedef|constexpr|const)\s+)*(?:namespace|class|struct|union|enum|extern)\b")
    # What may stand before a declaration without a semicolon between: access labels, macros on their own line.
    PREFIX = re.compile(r"\s*(?:(?:public|private|protected)\s*:|[A-Z][A-Z0-9_]*\([^()]*\)[ \t]*\n(?=\s*\S))")

    def __init__(self, code):
        self.code = code
        self.scopes = []  # (kind, head's start, depth of parentheses outside)
        self.head_start = 0
        self.parentheses = 0
        self.last_function = 0
        self.found = []  # (first line, lines, name)

    def find(self):
        for mark in re.finditer(r"[(){};]", self.code):
            position = mark.start()
            match mark[0]:
                case "(":
                    self.parentheses += 1
                case ")":
                    self.parentheses -= 1
                case "{":
                    self.open(position)
                case "}" if self.scopes:
                    self.close(position)
                case ";" if self.parentheses == 0:
                    self.head_start = position + 1
        return self.found

    def open(self, position):
        start = self.head_start
        while prefix := self.PREFIX.match(self.code, start, position):
            start = prefix.end()
        self.scopes.append((self.kind(start, position), start, self.parentheses))
        self.head_start, self.parentheses = position + 1, 0

    def kind(self, start, position):
        head = self.code[start:position].strip()
        if self.parentheses or any(kind != "type" for kind, _, _ in self.scopes):
            return "inner"
        while head.startswith("template"):
            head = without_template_head(head)
        if self.TYPE.match(head):
            return "type"
        return "function" if "(" in head else "inner"

    def close(self, position):
        kind, start, self.parentheses = self.scopes.pop()
        follows = self.code[position + 1 :].lstrip()[:1]
        if self.parentheses or follows in {",", "{"}:  # an argument, or a member's initializer before the body
            self.head_start = start
            return
        self.head_start = position + 1
        if kind == "function":
            self.add(start, position)

    def add(self, start, position):
        head = self.code[start:position].lstrip()
        if head.startswith("catch"):  # belongs to the function whose body was a try
            self.found.pop()
            start = self.last_function
        self.last_function = start
        begin = start + len(self.code[start:]) - len(self.code[start:].lstrip())
        first = line_of(self.code, begin)
        name = " ".join(self.code[begin : self.code.index("(", begin)].split()[-1:])
        self.found.append((first, line_of(self.code, position) - first + 1, name))


def without_template_head(head):
    depth = 0
    for position, character in enumerate(head):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == ">" and depth == 0:
            return head[position + 1 :].lstrip()
    return ""


class Checker:
    def __init__(self, root):
        self.root = root
        self.findings = []
        self.used_exceptions = set()
        self.schemes = self.scheme_names()

    def scheme_names(self):
        names = set()
        for path in sorted((self.root / "src/norm/schemes").glob("*.cpp")):
            names.update(REGISTRATION.findall(path.read_text()))
        return names

    def run(self):
        files = [path for top in ("include", "src", "tools", "tests") for path in (self.root / top).rglob("*")]
        for path in sorted(files):
            if path.suffix in SOURCE_SUFFIXES:
                self.check(path.relative_to(self.root).as_posix(), path.read_text())
        for file, *rest in [*LAYER_EXCEPTIONS, *((file,) for file in CONDITION_EXCEPTIONS), *SCHEME_EXCEPTIONS]:
            if (self.root / file).exists() and (file, *rest) not in self.used_exceptions:
                self.add(file, 1, "has an exception in scripts/check_layers.py that it no longer needs")
        return self.findings

    def add(self, file, line, message):
        self.findings.append(f"{file}:{line}: {message}")

    def check(self, file, text):
        if module_of(file) not in LEVEL_OF:
            self.add(file, 1, f'module "{module_of(file)}" has no level in scripts/check_layers.py')
            return
        for number, line in enumerate(text.splitlines(), 1):
            self.check_line(file, number, line)
        self.check_budgets(file, text)
        self.check_schemes(file, code_of(text, keep_strings=True))

    def check_line(self, file, number, line):
        if include := INCLUDE.match(line):
            self.check_include(file, number, include[1])
        if CONDITION.match(line) and not file.startswith(CONDITION_FOLDERS):
            self.used_exceptions.add((file,))
            if file not in CONDITION_EXCEPTIONS:
                self.add(file, number, "#if outside kernels/ and tests/cuda_on_host: let CMake choose a file")
        if TODO.search(line):
            self.add(file, number, "a TODO without an issue; write TODO(#<number>)")

    def check_include(self, file, number, name):
        if name in HEAVY_HEADERS:
            self.add(file, number, f"{name} takes too long to compile; include single headers of ATen/ops")
        own, other = module_of(file), self.included_module(file, name)
        if other is None or other == own:
            return
        if LEVEL_OF.get(other, 0) >= LEVEL_OF[own]:
            self.used_exceptions.add((file, other))
        if other not in LEVEL_OF:
            self.add(file, number, f'module "{other}" has no level in scripts/check_layers.py')
        elif LEVEL_OF[other] >= LEVEL_OF[own] and (file, other) not in LAYER_EXCEPTIONS:
            self.add(file, number, f"{own} (level {LEVEL_OF[own]}) may not include {other} (level {LEVEL_OF[other]})")

    def included_module(self, file, name):
        """The module of Strata's that has this header, or None for a header that is not Strata's."""
        beside = os.path.normpath(os.path.join(os.path.dirname(file), name))
        if (self.root / beside).is_file():
            return module_of(beside)
        if name.startswith("strata/"):
            return module_of("include/" + name)
        return module_of("src/" + name) if (self.root / "src" / name).is_file() else None

    def check_budgets(self, file, text):
        lines = len(text.splitlines())
        limit = HEADER_LINES if file.endswith(".h") else FILE_LINES
        if file.startswith("tools/"):
            limit = min(limit, TOOL_LINES)
        if lines > limit:
            self.add(file, limit + 1, f"{lines} lines; such a file has at most {limit}")
        for first, length, name in FunctionFinder(code_of(text)).find():
            if length > FUNCTION_LINES:
                self.add(file, first, f"{name} has {length} lines; a function has at most {FUNCTION_LINES}")

    def check_schemes(self, file, code):
        if file.startswith(SCHEME_FOLDERS):
            return
        for match in re.finditer(r'"([^"\\\n]*)"', code):
            name = match[1].split("+")[0]
            if name not in self.schemes:
                continue
            self.used_exceptions.add((file, name))
            if (file, name) not in SCHEME_EXCEPTIONS:
                self.add(file, line_of(code, match.start()), f"scheme name {match[0]} outside src/norm/schemes/")


def module_of(file):
    """include/strata/io/file.h, src/io/file.cpp -> io; tools/..., tests/... -> tools, tests"""
    parts = file.split("/")
    return {"include": parts[2:3], "src": parts[1:2]}.get(parts[0], parts[:1])[0]


if __name__ == "__main__":
    repository = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    results = Checker(repository).run()
    print("\n".join(results) or "check_layers: no findings")
    sys.exit(1 if results else 0)
