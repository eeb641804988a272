"""Each rule of scripts/check_layers.py finds its fault, and only that."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from check_layers import Checker, FunctionFinder, code_of  # noqa: E402


def findings(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Checker(Path(folder)).run()


class Findings(unittest.TestCase):
    def expect(self, files, *expected):
        found = findings(files)
        self.assertEqual(len(found), len(expected), found)
        for line, start in zip(found, expected):
            self.assertTrue(line.startswith(start), f"{line!r} does not start with {start!r}")

    def test_includes_point_downwards(self):
        self.expect({"src/nn/a.cpp": '#include "strata/base/check.h"\n#include "strata/norm/b.h"\n#include <vector>\n'})

    def test_upward_include(self):
        self.expect({"src/io/a.cpp": '\n#include "strata/nn/b.h"\n'}, "src/io/a.cpp:2: io (level 1) may not include nn")

    def test_include_of_a_neighbour(self):
        self.expect({"include/strata/nn/a.h": '#include "strata/optim/b.h"\n'}, "include/strata/nn/a.h:1: nn (level 3)")

    def test_private_and_relative_includes(self):
        files = {"src/io/own.h": "", "src/train/b.h": "", "src/io/a.cpp": '#include "io/own.h"\n#include "own.h"\n'}
        self.expect(files)
        files["src/io/a.cpp"] = '#include "train/b.h"\n#include "../train/b.h"\n'
        self.expect(files, "src/io/a.cpp:1: io", "src/io/a.cpp:2: io")

    def test_unknown_module(self):
        self.expect({"src/nn/a.cpp": '#include "strata/misc/b.h"\n'}, 'src/nn/a.cpp:1: module "misc" has no level')
        self.expect({"src/misc/a.cpp": ""}, 'src/misc/a.cpp:1: module "misc" has no level')

    def test_heavy_header(self):
        self.expect({"src/nn/a.cpp": "#include <torch/torch.h>\n"}, "src/nn/a.cpp:1: torch/torch.h takes too long")

    def test_condition(self):
        files = {"src/kernels/a.cpp": "#if X\n#endif\n", "src/nn/a.h": "#pragma once\n  #  ifdef X\n#endif\n"}
        self.expect(files, "src/nn/a.h:2: #if outside")

    def test_exception_that_is_not_needed(self):
        self.expect({"include/strata/base/check.h": "#ifdef A\n#endif\n"})
        self.expect({"include/strata/base/check.h": ""}, "include/strata/base/check.h:1: has an exception")

    def test_todo(self):
        self.expect({"src/nn/a.cpp": "// TODO(#12): later\n// TODO: later\n"}, "src/nn/a.cpp:2: a TODO without an issue")

    def test_file_budgets(self):
        self.expect({"src/nn/a.cpp": "\n" * 400, "src/nn/a.h": "\n" * 150, "tools/a.cpp": "\n" * 200})
        self.expect(
            {"src/nn/a.cpp": "\n" * 401, "src/nn/a.h": "\n" * 151, "tools/bench/a.cpp": "\n" * 201},
            "src/nn/a.cpp:401: 401 lines", "src/nn/a.h:151: 151 lines", "tools/bench/a.cpp:201: 201 lines",
        )

    def test_scheme_names(self):
        scheme = {"src/norm/schemes/a.cpp": 'STRATA_REGISTER_SCHEME("pre", Pre)\n'}
        self.expect({**scheme, "tests/nn/a.cpp": 'f("pre");', "src/nn/a.cpp": '// "pre"\nf("pretrain");'})
        self.expect({**scheme, "src/nn/a.cpp": '\nf("pre");\ng("pre+gpas");\n'}, "src/nn/a.cpp:2: scheme", "src/nn/a.cpp:3")
        self.expect({**scheme, "include/strata/config/norm.h": 'scheme = "pre";'})
        self.expect({**scheme, "include/strata/config/norm.h": ""}, "include/strata/config/norm.h:1: has an exception")

    def test_function_budget(self):
        self.expect({"src/nn/a.cpp": "void f() {\n" + "g();\n" * 58 + "}\n"})
        self.expect({"src/nn/a.cpp": "\nvoid A::f() {\n" + "g();\n" * 59 + "}\n"}, "src/nn/a.cpp:2: A::f has 61 lines")


FUNCTIONS = r"""
namespace a {
struct S : T {
 public:
  explicit S(int x)
      : x_{x}, y_(x) {
    if (x) {
      g([&] { return 1; });
    }
  }
  int x_{};
};
REGISTER("name", S)
template <class A, class B = C<int>>
A f(const A& a = {}) {
  for (int i = 0; i < 2; ++i) {
    const char c = '{';
    h(R"({{{)", "}}", 1'000, c);  // {
  }
}
constexpr std::array<int, 2> kTable{{1, 2}};
#define MACRO(x) \
  void x() {     \
  }
int g() try {
  return 1;
} catch (const E& e) {
  return 2;
}
}  // namespace a
"""


class Functions(unittest.TestCase):
    # Initialisers, lambdas, default arguments, literals, macros and function-try blocks do not mislead the finder.
    def test_lengths(self):
        found = FunctionFinder(code_of(FUNCTIONS)).find()
        self.assertEqual(found, [(5, 6, "S"), (14, 7, "f"), (25, 5, "g")])


if __name__ == "__main__":
    unittest.main()
