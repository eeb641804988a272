"""The sample page of test_plot in a browser: usage: page_browser_test.py TEST_PLOT [unittest arguments].

Exits with 77 where Chromium is not installed; `scripts/install.sh --browser` installs it.
"""
import collections
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    print("NOT tested: pages in a browser: there is no chromium; `scripts/install.sh --browser` installs it")
    sys.exit(77)

TEST_PLOT = sys.argv.pop(1)
VOID = {"meta", "input", "br", "link"}
MARKS = {"line", "band", "single", "point", "cell", "bar", "error", "interval", "legend", "nothing"}


class Document(HTMLParser):
    """What a browser made of a page: title, classes of the body, tip, and the marks of what each panel shows."""

    def __init__(self, text):
        super().__init__()
        self.open = []  # (element, whether it is hidden)
        self.marks = {}  # panel -> Counter of classes
        self.paths = {}  # panel -> d of its lines
        self.shown = {}  # panel -> data-name
        self.body, self.title, self.tip, self.switches_hidden = [], "", None, None
        self.panel = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        classes = (attributes.get("class") or "").split()
        hidden = "hidden" in attributes or (bool(self.open) and self.open[-1][1])
        if tag not in VOID:
            self.open.append((tag, hidden, classes))
        if tag == "body":
            self.body = classes
        if "tip" in classes and not hidden:
            self.tip = []
        if "switches" in classes:
            self.switches_hidden = hidden
        if "variant" in classes and not hidden:
            self.shown[self.panel] = attributes["data-name"]
        if self.panel is not None and not hidden:
            self.marks[self.panel].update(MARKS.intersection(classes))
            if "line" in classes:
                self.paths[self.panel].append(attributes["d"])

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if [tag for tag, _, _ in self.open[-2:]] == ["head", "title"]:
            self.title = data
        if self.open and self.open[-1][0] == "figcaption":
            self.panel = data
            self.marks[data], self.paths[data] = collections.Counter(), []
        if self.tip is not None and any("tip" in classes for _, _, classes in self.open) and data.strip():
            self.tip.append(data)


def opened(page, script=""):
    """The page after its scripts, and then `script`, have run; fails if the browser's console says anything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.html")
        path.write_text(page.replace("</body>", f"<script>{script}</script></body>"))
        ran = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
             "--window-size=1280,2000", "--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom",
             path.as_uri()], capture_output=True, text=True, timeout=300, env={**os.environ, "HOME": folder})
    said = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    if ran.returncode != 0 or said:
        raise AssertionError(f"exit code {ran.returncode}\n" + "\n".join(said or [ran.stderr]))
    return Document(ran.stdout)


USE = """
function click() {
  document.querySelector("[name=variant][value=tokens]").click();
  document.querySelector("[name=singles]").click();
  document.querySelector(".arms .c2").click();
  document.querySelector("details").open = true;
}
function drag_slider() {
  const slider = document.querySelector("[name=smoothing]");
  slider.value = 90;
  slider.dispatchEvent(new Event("input"));
}
function move_to(element, across, down) {
  const {left, top, width, height} = element.getBoundingClientRect();
  element.dispatchEvent(new PointerEvent("pointermove",
    {bubbles: true, clientX: left + across * width, clientY: top + down * height}));
}
"""


class PageInBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "page.html")
            subprocess.run([TEST_PLOT, "--gtest_filter=SamplePage.*"], check=True, capture_output=True,
                           env={**os.environ, "STRATA_SAMPLE_PAGE": str(path)})
            cls.page = path.read_text()

    def test_every_figure_is_drawn(self):
        document = opened(self.page)
        self.assertEqual(document.marks, {
            "Loss": {"line": 3, "band": 3, "single": 6},
            "Variance": {"cell": 40},
            "Accuracy": {"bar": 6, "error": 6},
            "Difference": {"interval": 2},
            "Rate": {"line": 2, "point": 6, "legend": 1},
            "Nothing": {"nothing": 1},
        })
        self.assertFalse(document.switches_hidden)
        self.assertEqual(document.shown["Loss"], "steps")

    def test_switches_and_legend(self):
        document = opened(self.page, USE + "click();")
        self.assertEqual(document.shown["Loss"], "tokens")
        self.assertEqual(document.shown["Rate"], "")
        self.assertEqual(set(document.body), {"singles", "hide-c2"})

    # At the left end: without the arm that is hidden, the larger number first.
    def test_numbers_under_the_pointer(self):
        at_left_end = "move_to(document.querySelector('[data-name=tokens] .plot'), 0, 0.5);"
        document = opened(self.page, USE + "click();" + at_left_end)
        self.assertEqual(document.tip, ["tokens", "1k", "gpas <b>", "7.474", "pre", "7.412"])

    def test_cells_under_the_pointer(self):
        document = opened(self.page, USE + "move_to(document.querySelectorAll('.cell')[13], 0.5, 0.5);")
        self.assertEqual(document.tip, ["steps", "30", "layer", "1", "variance", "16.00"])

    # 50 points are smoothed, 4 are not.
    def test_smoothing(self):
        before, after = opened(self.page), opened(self.page, USE + "drag_slider();")
        self.assertEqual(before.paths["Rate"], after.paths["Rate"])
        self.assertEqual(after.paths["Loss"], [smoothed(path, 0.9) for path in before.paths["Loss"]])

    def test_reloading_keeps_what_was_set(self):
        again = """
          if (sessionStorage.getItem("again")) {
            document.title = scrollY;
          } else {
            sessionStorage.setItem("again", 1);
            click();
            scrollTo(0, 100);
            location.reload();
          }"""
        document = opened(self.page.replace("<main>", "<main style='padding-bottom: 3000px'>"), USE + again)
        self.assertEqual(document.shown["Loss"], "tokens")
        self.assertEqual(set(document.body), {"singles", "hide-c2"})
        self.assertEqual(document.title, "100")


def smoothed(path, factor):
    """What page.js says that it does, once more."""
    average = weight = 0.0
    points = []
    for x, y in (point.split(",") for point in path.removeprefix("M").split(" ")):
        average = factor * average + (1 - factor) * float(y)
        weight = factor * weight + (1 - factor)
        points.append(f"{x},{average / weight:.3f}")
    return "M" + " ".join(points)


if __name__ == "__main__":
    unittest.main()
