#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Changes files over DAV while keeping a journal, kills the server in the middle, and later verifies.

The journal has one line before each request ("try ...") and one after its success ("ack ..."). verify plays it: the state
of a name after its last acknowledged change, or the one that an unacknowledged change after it would have made.
"""
import argparse
import base64
import hashlib
import os
import random
import re
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True
import wire  # noqa: E402

ROOT = "/remote.php/webdav/"
WRITERS = 4


def content(name, version, size):
    """Bytes that can be made again from name, version and size."""
    block = hashlib.sha256(("%s/%d" % (name, version)).encode()).digest()
    return (block * (size // 32 + 1))[:size]


class Client:
    def __init__(self, arguments):
        m = re.fullmatch(r"http://([^/:]+):([0-9]+)/?", arguments.url)
        self.peer = (m.group(1), int(m.group(2)))
        self.auth = base64.b64encode(arguments.login.encode()).decode()
        self.connection = None

    def request(self, method, path, body=None, headers=()):
        if self.connection is None or not self.connection.usable:
            self.connection = wire.Connection(*self.peer)
        head = ["%s %s HTTP/1.1" % (method, path), "Host: %s:%d" % self.peer, "Authorization: Basic " + self.auth]
        if body is not None:
            head.append("Content-Length: %d" % len(body))
        head += headers
        self.connection.send(("\r\n".join(head) + "\r\n\r\n").encode() + (body or b""))
        return self.connection.read_response(method)


class Journal:
    def __init__(self, path):
        self.file = open(path, "a", encoding="ascii")
        self.lock = threading.Lock()
        self.acknowledged = 0
        self.changed = threading.Condition(self.lock)

    def write(self, line):
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()
            if line.startswith("ack"):
                self.acknowledged += 1
                self.changed.notify_all()


def writer(number, seed, arguments, journal, problems):
    rng = random.Random(seed * 100 + number)
    client = Client(arguments)
    state = load(arguments.journal)
    mine = {n: s for n, s in state.items() if n.startswith("w%d-" % number)}
    version = seed % 1000 * 100000  # no two rounds share one
    try:
        while True:
            version += 1
            names = [n for n, options in mine.items() if len(options) == 1 and options[0]]
            what = rng.choice(["put", "put", "put", "put", "move", "delete"]) if names else "put"
            name = "w%d-%d" % (number, rng.randrange(12))
            if what == "put":
                size = rng.choice([0, 1, 100, 4096, 70000, 1500000])
                line = "put %s %d %d" % (name, version, size)
            elif what == "delete":
                name = rng.choice(names)
                line = "delete %s" % name
            else:
                name = rng.choice(names)
                target = "w%d-%d" % (number, rng.randrange(12))
                if target == name:
                    continue
                line = "move %s %s" % (name, target)
            journal.write("try " + line)
            if what == "put":
                r = client.request("PUT", ROOT + name, content(name, version, size))
            elif what == "delete":
                r = client.request("DELETE", ROOT + name)
            else:
                r = client.request("MOVE", ROOT + name, headers=["Destination: " + ROOT + target])
            if r.status not in (201, 204):
                # Names whose state isn't certain are left alone, so that no refusal is to be expected.
                problems.append("%s: %d %r" % (line, r.status, r.body[:300]))
                return
            journal.write("ack " + line)
            apply(mine, line, True)
    except (wire.WireError, OSError):
        return  # killed


def apply(state, line, acknowledged):
    """state: name -> list of possible contents, each (version, size, name it was written as) or None for absent."""
    words = line.split()
    name = words[1]

    def put(target, options):
        old = [] if acknowledged else state.get(target, [None])
        state[target] = old + [o for o in options if o not in old]

    if words[0] == "put":
        put(name, [(int(words[2]), (int(words[3]), name))])
    elif words[0] == "delete":
        put(name, [None])
    else:
        put(words[2], list(state.get(name, [None])))
        put(name, [None])


def load(path):
    """The possible states of each name."""
    state, open_tries = {}, {}
    with open(path, encoding="ascii") as f:
        lines = [line.rstrip("\n") for line in f if line.endswith("\n")]
    for line in lines:
        kind, rest = line.split(" ", 1)
        owner = rest.split()[1].split("-")[0]
        if kind == "try":
            if owner in open_tries:
                apply(state, open_tries.pop(owner), False)
            open_tries[owner] = rest
        elif kind == "ack":
            open_tries.pop(owner, None)
            apply(state, rest, True)
        elif kind == "saw":  # what a verification found is certain from then on
            words = rest.split()
            if owner in open_tries:
                apply(state, open_tries.pop(owner), False)
            state[words[1]] = [None if words[2] == "-" else (int(words[2]), (int(words[3]), words[4]))]
    for rest in open_tries.values():
        apply(state, rest, False)
    return state


def verify(arguments, journal):
    state = load(arguments.journal)
    client = Client(arguments)
    listing = client.request("PROPFIND", ROOT, headers=["Depth: 1"])
    if listing.status != 207:
        sys.exit("PROPFIND: %d %r" % (listing.status, listing.body[:500]))
    listed = set(re.findall(r"<d:href>[^<]*/(w[0-9]+-[0-9]+)</d:href>", listing.body.decode()))
    wrong = ["%s is listed, but was never written" % n for n in listed - set(state)]
    for name, options in sorted(state.items()):
        r = client.request("GET", ROOT + name)
        if r.status not in (200, 404):
            wrong.append("%s: GET gives %d" % (name, r.status))
            continue
        if (r.status == 200) != (name in listed):
            wrong.append("%s: GET gives %d, the listing says otherwise" % (name, r.status))
        for option in options:
            if option is None and r.status == 404 or option and r.status == 200 and r.body == content(
                    option[1][1], option[0], option[1][0]):
                journal.write("saw . %s %s" % (
                    name, "-" if option is None else "%d %d %s" % (option[0], option[1][0], option[1][1])))
                break
        else:
            wrong.append("%s: %d with %d bytes; possible were %s" % (name, r.status, len(r.body), options))
    for w in wrong:
        print(w)
    print("verified %d names: %d wrong" % (len(state), len(wrong)))
    return 1 if wrong else 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["write", "verify"])
    p.add_argument("--url", required=True)
    p.add_argument("--login", required=True)
    p.add_argument("--journal", required=True)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--kill", type=int)
    a = p.parse_args()
    journal = Journal(a.journal)
    if a.what == "verify":
        return verify(a, journal)
    problems = []
    threads = [threading.Thread(target=writer, args=(n, a.seed, a, journal, problems)) for n in range(WRITERS)]
    for t in threads:
        t.start()
    enough = random.Random(a.seed).randrange(20, 200)
    with journal.changed:
        while journal.acknowledged < enough and any(t.is_alive() for t in threads):
            journal.changed.wait(0.2)
    os.kill(a.kill, signal.SIGKILL)
    for t in threads:
        t.join()
    for problem in problems:
        print(problem)
    print("killed after %d acknowledged changes" % journal.acknowledged)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
