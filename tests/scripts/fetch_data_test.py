"""scripts/fetch_data.sh: its arguments, and what it does about broken downloads, against a hub on this machine."""
import gzip
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import convert_eval_test as convert_eval

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/fetch_data.sh"
ENDPOINTS = ("HF_ENDPOINT", "GITHUB_ENDPOINT", "ORIGINALS_ENDPOINT")


def fetch_data(*arguments, hub="http://hub", script=SCRIPT):
    environment = {**os.environ, **{endpoint: hub for endpoint in ENDPOINTS}}
    return subprocess.run([script, *arguments], env=environment, capture_output=True, text=True)


class Arguments(unittest.TestCase):
    def test_dry_run_prints_what_it_would_fetch(self):
        run = fetch_data("--dry-run", "--shards", "2")
        c4 = "http://hub/datasets/allenai/c4/resolve/main/en/"
        self.assertEqual(
            run.stdout.split(),
            ["http://hub/t5-base/resolve/main/spiece.model"]
            + [c4 + f"c4-validation.0000{shard}-of-00008.json.gz" for shard in (0, 1)]
            + [c4 + f"c4-train.0000{shard}-of-01024.json.gz" for shard in (0, 1)]
            + ["http://hub/AGI-Edgerunners/LLM-Adapters/main/ft-training_set/commonsense_170k.json"]
            + fetch_data("--dry-run", "eval").stdout.split(),
        )
        self.assertEqual(fetch_data("--dry-run", "all", "--shards", "2").stdout, run.stdout)

    def test_parts(self):
        self.assertEqual(fetch_data("tokenizer", "--dry-run").stdout.count("\n"), 1)
        self.assertEqual(fetch_data("commonsense", "--dry-run").stdout.count("\n"), 1)
        c4 = fetch_data("c4", "--dry-run", "--shards", "1024").stdout
        self.assertEqual(c4.count("\n"), 2 + 1024)
        self.assertNotIn("spiece", c4)

    def test_originals_have_mirrors(self):
        mirrored = fetch_data("eval", "--dry-run").stdout.split()
        self.assertEqual({address.rpartition("/")[2] for address in mirrored}, set(convert_eval.published()))
        self.assertTrue(all(address.startswith("http://hub/") for address in mirrored))
        environment = {name: value for name, value in os.environ.items() if name not in ENDPOINTS}
        own = subprocess.run([SCRIPT, "eval", "--dry-run"], env=environment, capture_output=True, text=True).stdout.split()
        self.assertEqual(len(own), len(mirrored))
        for address, mirror in zip(own, mirrored):
            known = re.sub("https://(huggingface.co|raw.githubusercontent.com)/", "http://hub/", address)
            self.assertEqual(known.replace("https://", "http://hub/"), mirror)

    def test_bad_arguments_are_one_line_and_exit_code_2(self):
        for arguments in (
            ["c5"], ["c4", "tokenizer"], ["--shards"], ["--shards", "0"], ["--shards", "1025"], ["--shards", "-1"],
            ["--shards", "many"], ["--out"], ["--out", ""], ["--fast"],
        ):
            run = fetch_data("--dry-run", *arguments)
            self.assertEqual((run.returncode, run.stdout, run.stderr.count("\n")), (2, "", 1), (arguments, run.stderr))
            self.assertIn(arguments[0], run.stderr)

    def test_help(self):
        run = fetch_data("--help")
        self.assertEqual(run.returncode, 0)
        self.assertIn("Usage: scripts/fetch_data.sh", run.stdout)
        self.assertNotIn("set -e", run.stdout)


class Hub(http.server.BaseHTTPRequestHandler):
    """Every file is `content`, or that of its name in `contents`, with `sha256` beside it; knows ranges, to go on."""

    def do_HEAD(self):
        if not self.server.sha256:
            self.send_error(404)
            return
        self.send_response(302)
        self.send_header("X-Linked-Etag", f'"{self.server.sha256}"')
        self.end_headers()

    def do_GET(self):
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        content = self.server.contents.get(self.path.rpartition("/")[2], self.server.content)
        body = content[start:]
        if asked and not body:
            self.send_error(416)
            return
        self.server.sent += len(body)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        if asked:
            size = len(content)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@unittest.skipUnless(shutil.which("curl"), "curl is missing")
class WithHub(unittest.TestCase):
    script = SCRIPT

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        self.addCleanup(self.hub.server_close)
        self.addCleanup(self.hub.shutdown)
        threading.Thread(target=self.hub.serve_forever, daemon=True).start()
        self.hub.contents = {}
        self.offer(gzip.compress(b'{"text": "a"}\n'))

    def offer(self, content):
        self.hub.content, self.hub.sha256, self.hub.sent = content, hashlib.sha256(content).hexdigest(), 0

    def fetch(self, what):
        address = f"http://127.0.0.1:{self.hub.server_port}"
        return fetch_data(what, "--shards", "1", "--out", self.out, hub=address, script=self.script)

    def files(self):
        return sorted(path.name for path in self.out.rglob("*") if path.is_file())

class Downloads(WithHub):
    def expect_failure(self, what, complaint):
        run = self.fetch(what)
        self.assertEqual((run.returncode, self.files()), (1, []), run.stderr)
        self.assertIn(complaint, run.stderr)

    def test_fetches_once(self):
        self.assertEqual(self.fetch("c4").returncode, 0)
        self.assertEqual(
            self.files(),
            ["c4-train.00000-of-01024.json.gz"] + [f"c4-validation.0000{shard}-of-00008.json.gz" for shard in (0, 1)],
        )
        self.hub.sent = 0
        self.assertEqual(self.fetch("c4").returncode, 0)
        self.assertEqual(self.hub.sent, 0)

    def test_goes_on_where_it_stopped(self):
        (self.out / "c4").mkdir()
        part = self.out / "c4/c4-validation.00000-of-00008.json.gz.part"
        part.write_bytes(self.hub.content[:10])
        self.assertEqual(self.fetch("c4").returncode, 0)
        self.assertEqual(self.hub.sent, 3 * len(self.hub.content) - 10)

    def test_checks_what_was_stopped_at_the_very_end(self):
        (self.out / "c4").mkdir()
        (self.out / "c4/c4-validation.00000-of-00008.json.gz.part").write_bytes(self.hub.content)
        self.assertEqual(self.fetch("c4").returncode, 0)
        self.assertEqual(self.hub.sent, 2 * len(self.hub.content))

    def test_stops_where_the_hub_does_not_answer(self):
        self.hub.sha256 = None
        self.expect_failure("c4", "does not answer")

    def test_refuses_another_tokenizer(self):
        self.expect_failure("tokenizer", "SHA-256 is not d60acb12")

    def test_refuses_another_shard_than_published(self):
        self.hub.sha256 = "0" * 64
        self.expect_failure("c4", "SHA-256 is not 0000")

    def test_refuses_half_a_gzip_file(self):
        self.offer(self.hub.content[:-4])
        self.expect_failure("c4", "not a whole gzip file")


class Evaluation(WithHub):
    """The script as it is, but for the checksums: they are those of small originals."""

    def setUp(self):
        super().setUp()
        self.hub.contents = convert_eval.published()
        text = SCRIPT.read_text()
        for name, content in self.hub.contents.items():
            text, count = re.subn(rf'(?<=/{name}")(\s+\\?\s*)[0-9a-f]{{64}}\b', rf"\g<1>{self.sha256(content)}", text)
            self.assertEqual(count, 1, f"{name} has a checksum")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.script = Path(folder.name) / SCRIPT.name
        self.script.write_text(text)
        self.script.chmod(0o755)
        shutil.copy(convert_eval.SCRIPT, folder.name)

    @staticmethod
    def sha256(content):
        return hashlib.sha256(content).hexdigest()

    def everything(self):
        return sorted([f"{task}{kind}.jsonl.gz" for task in convert_eval.ITEMS for kind in ("", ".fewshot")] + ["mmlu.zip"])

    def expect_everything(self):
        run = self.fetch("eval")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(self.files(), self.everything())
        for task, splits in convert_eval.ITEMS.items():
            for kind, items in zip(("", ".fewshot"), splits):
                self.assertEqual(convert_eval.read_items(self.out / f"eval/{task}{kind}.jsonl.gz"), items)
        self.assertTrue(convert_eval.is_mmlu(self.out / "eval"))
        self.assertFalse((self.out / "eval/originals").exists())

    def test_all_tasks(self):
        self.expect_everything()
        self.assertEqual(self.hub.sent, sum(map(len, self.hub.contents.values())))
        self.hub.sent = 0
        self.expect_everything()
        self.assertEqual(self.hub.sent, 0)

    def test_fetches_what_is_not_there(self):
        self.expect_everything()
        for file, original in (
            ("piqa.jsonl.gz", "physicaliqa-train-dev.zip"),
            ("boolq.fewshot.jsonl.gz", "BoolQ.zip"),
            ("arc_challenge.jsonl.gz", "ARC-V1-Feb2018.zip"),
            ("mmlu.zip", "data.tar"),
        ):
            (self.out / "eval" / file).unlink()
            self.hub.sent = 0
            self.expect_everything()
            self.assertEqual(self.hub.sent, len(self.hub.contents[original]))

    def test_goes_on_where_it_stopped(self):
        originals = self.out / "eval/originals"
        originals.mkdir(parents=True)
        (originals / "BoolQ.zip.part").write_bytes(self.hub.contents["BoolQ.zip"][:10])
        (originals / "data.tar").write_bytes(self.hub.contents["data.tar"])
        self.expect_everything()
        there = 10 + len(self.hub.contents["data.tar"])
        self.assertEqual(self.hub.sent, sum(map(len, self.hub.contents.values())) - there)

    def test_refuses_a_broken_download(self):
        whole = self.hub.contents["winogrande_1.1.zip"]
        self.hub.contents["winogrande_1.1.zip"] = whole[:-1] + b"?"
        run = self.fetch("eval")
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"winogrande_1.1.zip: SHA-256 is not {self.sha256(whole)}; removed, start again", run.stderr)
        self.assertFalse([file for file in self.files() if "winogrande" in file])
        self.assertIn("hellaswag.jsonl.gz", self.files())  # what came before it
        self.hub.contents["winogrande_1.1.zip"] = whole
        self.expect_everything()

    def test_stops_at_a_record_with_a_missing_field(self):
        whole = self.hub.contents["hellaswag_train.jsonl"]
        broken = whole + b'{"ind": 1, "activity_label": "A", "endings": ["a", "b", "c", "d"]}\n'
        self.hub.contents["hellaswag_train.jsonl"] = broken
        self.script.write_text(self.script.read_text().replace(self.sha256(whole), self.sha256(broken)))
        run = self.fetch("eval")
        place = self.out / "eval/originals/hellaswag_train.jsonl"
        complaint = f'convert_eval: {place}:2: the field "label" is missing\n'
        self.assertEqual((run.returncode, run.stderr), (1, complaint))
        self.assertFalse([file for file in self.files() if file.startswith("hellaswag") and not file.endswith("jsonl")])


if __name__ == "__main__":
    unittest.main()
