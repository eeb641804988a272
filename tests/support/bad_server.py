# A web server that fails in the ways that real ones do. It prints its port, and at the end of input it stops.
#   /<kind>/<folder>/<file>: <kind> says what goes wrong with the first answers about this file
#     good       nothing
#     cut        the connection closes after a third of what was asked for, twice
#     busy       429 with Retry-After: 0, then 500, then 503
#     gone       404 for ever, as every file that is not there
#     down       500 for ever
#     changed    after a cut the file is another one (other ETag, other content)
#     whole      after a cut, ranges are ignored
#     moved      redirects to /good/
#     damaged    a byte of the content is another one, for ever
#     <form>-<when>  says what the file is, and sends a damaged one
#       form: repr (Repr-Digest), digest (Digest), md5 (Content-MD5), linked (X-Linked-ETag on a redirection),
#             size (X-Linked-Size on a redirection to a longer file)
#       when: right (never), once, wrong (for ever), cut (never, but the first connection closes early)
# The requests are listed in <root>/requests, one a line: path, Range.
import base64
import hashlib
import http.server
import os
import sys
import threading

from answering import Answering

root = sys.argv[1]
counts = {}
lock = threading.Lock()


def says(form, content, part):
    """The headers that describe a file of which `part` is to be sent."""
    sha256 = hashlib.sha256(content)
    encoded = base64.b64encode(sha256.digest()).decode()
    return {
        "repr": [("Repr-Digest", f"unknown=:AAAA:, sha-256=:{encoded}:")],
        "digest": [("Digest", f"SHA-256={encoded}")],
        "md5": [("Content-MD5", base64.b64encode(hashlib.md5(part).digest()).decode())],
        "linked": [("X-Linked-ETag", f'"{sha256.hexdigest()}"'), ("X-Linked-Size", str(len(content)))],
        "size": [("X-Linked-ETag", '"a-git-hash"'), ("X-Linked-Size", str(len(content) - 1))],
    }.get(form, [])


class Handler(Answering):
    def do_GET(self):
        _, kind, name = self.path.split("/", 2)
        with lock:
            count = counts[self.path] = counts.get(self.path, 0) + 1
        with open(os.path.join(root, "requests"), "a") as log:
            log.write(f"{self.path} {self.headers.get('Range')}\n")
        if kind == "gone":
            return self.say(404)
        if kind == "down" or (kind == "busy" and count == 2):
            return self.say(500)
        if kind == "busy" and count == 1:
            return self.say(429, [("Retry-After", "0")])
        if kind == "busy" and count == 3:
            return self.say(503)
        if kind == "moved":
            of_the_redirection = [("ETag", '"of-the-redirection"'), *says("repr", b"an error page", b"")]
            return self.say(302, [("Location", "/good/" + name), *of_the_redirection])
        if not os.path.exists(os.path.join(root, name)):
            return self.say(404)
        with open(os.path.join(root, name), "rb") as file:
            content = sent = file.read()
        etag = '"v1"'
        form, _, when = kind.partition("-")
        is_damaged = kind == "damaged" or when == "wrong" or (when == "once" and count == 1)
        if form in ("linked", "size"):
            target = "damaged" if form == "linked" and is_damaged else "good"
            return self.say(302, [("Location", f"/{target}/{name}"), *says(form, content, b"")])
        if is_damaged:
            sent = b"x" + content[1:]
        if kind == "changed" and count > 1:
            sent, etag = content[::-1], '"v2"'
        begin = 0
        wanted = self.headers.get("Range")
        if wanted and kind != "whole" and self.headers.get("If-Range") in (None, etag):
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        self.send_header("ETag", etag)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(sent) - 1}/{len(sent)}")
        body = sent[begin:]
        for field, value in says(form, content, content[begin:]):
            self.send_header(field, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if (kind in ("cut", "changed", "whole") or when == "cut") and count <= (2 if kind == "cut" else 1):
            body = body[: len(body) // 3]
            self.close_connection = True
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
