# A web server that answers as Hugging Face's hub does. It prints its port, and at the end of input it stops.
#   <root>/datasets/OWNER/NAME/… and <root>/models/OWNER/NAME/… are its repositories, with the revisions main, v1 and
#   refs/convert/parquet. What OWNER is says what they are like:
#     gated   needs the token hf_right: 401 without one, 403 with another
#     busy    429 with Retry-After: 0, then 503, and so on for every other request
#     full    429 with a quota that comes back in no time
#     lost    leaves out the end of its files once
#     around  its pages lead to each other
#     other   its listing has a file of another folder
#     broken  its listing is none
#     astray  its next page is a file of this machine
# Listings have two entries a page. Files ending in .parquet, .bin or .gz lie on another server, as those of LFS do:
# it refuses whoever brings a token.
# The requests of both are listed in <root>/requests, one a line: hub or lfs, path, Authorization.
import hashlib
import http.server
import json
import os
import sys
import threading
import urllib.parse

from answering import Answering

root = sys.argv[1]
counts = {}
lock = threading.Lock()
REVISIONS = ("main", "v1", "refs/convert/parquet")
PAGE = 2


class Handler(Answering):
    name = "hub"

    def count(self):
        with lock:
            count = counts[self.path] = counts.get(self.path, 0) + 1
            with open(os.path.join(root, "requests"), "a") as log:
                log.write(f"{self.name} {self.path} {self.headers.get('Authorization')}\n")
        return count

    def do_GET(self):
        count = self.count()
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")
        is_listing = parts[0] == "api"
        if is_listing:
            kind, owner, name, _, revision, *rest = parts[1:]
        else:
            kind = "datasets" if parts[0] == "datasets" else "models"
            owner, name, _, revision, *rest = parts[1:] if kind == "datasets" else parts
        token = self.headers.get("Authorization")
        if owner == "gated" and token != "Bearer hf_right":
            return self.say(403 if token else 401, [("X-Error-Code", "GatedRepo")])
        if owner == "busy" and count <= 2:
            return self.say(*((429, [("Retry-After", "0")]) if count == 1 else (503,)))
        if owner == "full" and count == 1:
            return self.say(429, [("RateLimit", '"api";r=0;t=0')])
        top = os.path.join(root, kind, owner, name)
        wanted = urllib.parse.unquote("/".join(rest))
        full = os.path.join(top, wanted)
        if urllib.parse.unquote(revision) not in REVISIONS or not os.path.exists(full):
            return self.say(404, [("X-Error-Code", "EntryNotFound")])
        if is_listing:
            return self.list(owner, top, full, path, urllib.parse.parse_qs(query))
        return self.send(owner, full, count)

    def list(self, owner, top, full, path, query):
        if owner == "broken":
            return self.say(200, body=b'{"error": "none"}')
        entries = []
        for folder, folders, files in os.walk(full):
            for kind, names in (("directory", folders), ("file", files)):
                entries += [{"type": kind, "path": os.path.relpath(os.path.join(folder, name), top)} for name in names]
        entries.sort(key=lambda entry: entry["path"])
        if owner == "other":
            entries.append({"type": "file", "path": "elsewhere/a.jsonl"})
        begin = int(query.get("cursor", ["0"])[0])
        page = entries[begin : begin + PAGE]
        headers = []
        if owner == "around" or begin + PAGE < len(entries):
            cursor = begin if owner == "around" else begin + PAGE
            following = f"http://127.0.0.1:{hub.server_port}{path}?recursive=true&cursor={cursor}"
            if owner == "astray":
                following = "file:///etc/hostname"
            headers.append(("Link", f'<{following}>; rel="next"'))
        return self.say(200, headers, json.dumps(page).encode())

    def send(self, owner, full, count):
        with open(full, "rb") as file:
            content = file.read()
        if full.endswith((".parquet", ".bin", ".gz")):
            place = f"http://localhost:{lfs.server_port}/{os.path.relpath(full, root)}"
            digest = hashlib.sha256(content).hexdigest()
            return self.say(302, [("Location", place), ("X-Linked-Size", str(len(content))), ("X-Linked-ETag", f'"{digest}"')])
        return self.answer(content, owner == "lost" and count == 1)

    def answer(self, content, is_cut):
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        self.close_connection = is_cut
        self.wfile.write(content[begin:][: len(content) // 3] if is_cut else content[begin:])


class LargeFiles(Handler):
    name = "lfs"

    def do_GET(self):
        count = self.count()
        if self.headers.get("Authorization"):
            return self.say(400)
        with open(os.path.join(root, self.path.lstrip("/")), "rb") as file:
            return self.answer(file.read(), "/lost/" in self.path and count == 1)


hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
lfs = http.server.ThreadingHTTPServer(("127.0.0.1", 0), LargeFiles)
for server in (hub, lfs):
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(hub.server_port, flush=True)
sys.stdin.read()
