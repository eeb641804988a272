"""scripts/make_demo_corpus.py: every chapter becomes one document of one shard, and strange input no corpus at all."""
import gzip
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/make_demo_corpus.py"


class MakeDemoCorpus(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name)

    def make(self, verses):
        command = [SCRIPT, self.out]
        return subprocess.run(command, input="\n" + "\n".join(verses) + "\n", capture_output=True, text=True)

    def texts(self, pattern):
        shards = [gzip.decompress(path.read_bytes()).splitlines() for path in sorted(self.out.glob(pattern))]
        return [[json.loads(line)["text"] for line in shard] for shard in shards]

    def test_one_document_a_chapter(self):
        chapters = range(1, 1190)
        run = self.make([f"1Sa{chapter}:{verse} c{chapter}: v{verse}" for chapter in chapters for verse in (1, 2)])
        self.assertEqual(run.returncode, 0, run.stderr)
        train, validation = self.texts("demo-train.*"), self.texts("demo-validation.*")
        self.assertEqual([len(shard) for shard in train + validation], [565, 565, 59])
        written = sorted(text for shard in train + validation for text in shard)
        self.assertEqual(written, sorted(f"c{chapter}: v1\nc{chapter}: v2" for chapter in chapters))

    def test_refuses_other_input(self):
        for verses, complaint in ((["Ge1:1 In the beginning"], "1 chapters"), (["In the beginning"], "not a verse")):
            run = self.make(verses)
            self.assertEqual((run.returncode, list(self.out.iterdir())), (1, []))
            self.assertIn(complaint, run.stderr)


if __name__ == "__main__":
    unittest.main()
