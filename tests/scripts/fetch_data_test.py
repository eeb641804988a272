"""scripts/fetch_data.sh: its arguments, and what it does about broken downloads, against a hub on this machine."""
import gzip
import hashlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/fetch_data.sh"


def fetch_data(*arguments, hub="http://hub"):
    return subprocess.run([SCRIPT, *arguments], env={**os.environ, "HF_ENDPOINT": hub, "GITHUB_ENDPOINT": hub}, capture_output=True, text=True)


class Arguments(unittest.TestCase):
    def test_dry_run_prints_what_it_would_fetch(self):
        run = fetch_data("--dry-run", "--shards", "2")
        c4 = "http://hub/datasets/allenai/c4/resolve/main/en/"
        self.assertEqual(
            run.stdout.split(),
            ["http://hub/t5-base/resolve/main/spiece.model"]
            + [c4 + f"c4-validation.0000{shard}-of-00008.json.gz" for shard in (0, 1)]
            + [c4 + f"c4-train.0000{shard}-of-01024.json.gz" for shard in (0, 1)]
            + ["http://hub/AGI-Edgerunners/LLM-Adapters/main/ft-training_set/commonsense_170k.json"],
        )
        self.assertEqual(fetch_data("--dry-run", "all", "--shards", "2").stdout, run.stdout)

    def test_parts(self):
        self.assertEqual(fetch_data("tokenizer", "--dry-run").stdout.count("\n"), 1)
        self.assertEqual(fetch_data("commonsense", "--dry-run").stdout.count("\n"), 1)
        c4 = fetch_data("c4", "--dry-run", "--shards", "1024").stdout
        self.assertEqual(c4.count("\n"), 2 + 1024)
        self.assertNotIn("spiece", c4)

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
    """Every file is `content`, with `sha256` beside it; understands the ranges that resuming asks for."""

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
        body = self.server.content[start:]
        if asked and not body:
            self.send_error(416)
            return
        self.server.sent += len(body)
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        if asked:
            size = len(self.server.content)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@unittest.skipUnless(shutil.which("curl"), "curl is missing")
class Downloads(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)
        self.hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        self.addCleanup(self.hub.server_close)
        self.addCleanup(self.hub.shutdown)
        threading.Thread(target=self.hub.serve_forever, daemon=True).start()
        self.offer(gzip.compress(b'{"text": "a"}\n'))

    def offer(self, content):
        self.hub.content, self.hub.sha256, self.hub.sent = content, hashlib.sha256(content).hexdigest(), 0

    def fetch(self, what):
        address = f"http://127.0.0.1:{self.hub.server_port}"
        return fetch_data(what, "--shards", "1", "--out", self.out, hub=address)

    def files(self):
        return sorted(path.name for path in self.out.rglob("*") if path.is_file())

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


if __name__ == "__main__":
    unittest.main()
