#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `hanging-provider` asserts of a server with two storage providers, one of which stops answering."""
import argparse
import concurrent.futures
import hashlib
import os
import select
import sys
import threading

import crowd as crowds
import held_up
import wire
from crowd import Problem

CLIENTS = 200
OPEN = 10  # transfers of each kind that are under way when the provider stops


class Gate:
    """The file without which each call into the provider waits."""

    def __init__(self, path):
        self.path = path

    def open(self):
        with open(self.path, "w", encoding="ascii"):
            pass

    def shut(self):
        os.unlink(self.path)


def waiting(m):
    """Calls that hang in the provider now."""
    value = {k.split("{")[0]: v for k, v in m.items() if "hanging_" in k}
    return value["atoll_hanging_begun_total"] - value["atoll_hanging_ended_total"]


def ask(crowd, number):
    """One request into the crowd's space, sent and not yet answered: (connection, method)."""
    c = wire.Connection(*crowd.peer)
    new = "%sasked-%d.bin" % (crowd.folder, number)
    body = crowds.content(new, 2000)
    method, path, sent, fields = (
        ("GET", crowd.small, None, ()), ("PROPFIND", crowd.folder, held_up.PROPFIND, ("Depth: 1",)),
        ("PUT", new, body, ()), ("GET", "%snot-there-%d" % (crowd.folder, number), None, ()),
        ("MKCOL", "%sfolder-%d" % (crowd.folder, number), None, ()))[number % 5]
    if sent is not None:
        fields += ("Content-Length: %d" % len(sent),)
    c.send(crowd.head(method, path, *fields) + (sent or b""))
    return c, method


def check_refused(r, what):
    """A provider that cannot be asked: 503 that says when to come again, and nothing else."""
    after = r.get("Retry-After")
    if r.status != 503 or not after or not after.isdigit() or int(after) < 1:
        raise Problem("%s of the hanging provider: %d, Retry-After %s, %r" % (what, r.status, after, r.body[:300]))


def answered(asked, seconds):
    """Those of `asked` whose answer has begun to arrive within the time: one poll."""
    poll = select.poll()
    by_fd = {c.socket.fileno(): (c, method) for c, method in asked}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    return [by_fd[fd] for fd, _ in poll.poll(seconds * 1000)]


class Others:
    """Keeps asking the provider that works, until it is told to end; whatever fails is kept."""

    def __init__(self, crowd):
        self.crowd, self.ended, self.rounds, self.lock = crowd, threading.Event(), 0, threading.Lock()
        self.pool = concurrent.futures.ThreadPoolExecutor(4)
        self.threads = [self.pool.submit(self.run, n) for n in range(4)]

    def run(self, number):
        while not self.ended.is_set():
            held_up.burst(self.crowd, 0, number, 1)
            with self.lock:
                self.rounds += 1

    def more(self, count):
        """Waits for `count` further rounds; raises what went wrong in any."""
        wanted = self.rounds + count
        while self.rounds < wanted:
            done, _ = concurrent.futures.wait(self.threads, 0.05, concurrent.futures.FIRST_COMPLETED)
            for thread in done:
                thread.result()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.result()


def hang(a, metrics, gate, home, far):
    before = metrics.wait("nothing open", lambda m: m["atoll_http_connections_open"] == 0)
    # Transfers that are under way when it happens: to be gone on with, and to be given up.
    far.open_slow(2 * OPEN, 2 * OPEN)
    far.tick()
    others = Others(home)
    others.more(4)
    gate.shut()
    asked = [ask(far, n) for n in range(CLIENTS)]
    slow = []
    for n in range(OPEN):
        slow.append(concurrent.futures.ThreadPoolExecutor(1).submit(far.uploads[n].finish))
        slow.append(concurrent.futures.ThreadPoolExecutor(1).submit(far.downloads[n].finish))
        far.uploads[OPEN + n].close()
        far.downloads[OPEN + n].close()

    # All but those that are inside are told to come again.
    open_ones = asked
    while len(open_ones) > a.share:
        for c, method in answered(open_ones, 60):
            check_refused(c.read_response(method), method)
            open_ones = [o for o in open_ones if o[0] is not c]
        m = metrics.read()
        if waiting(m) > a.share + 1:  # one is closing what is left over
            raise Problem("%d calls are in the hanging provider, whose share is %d" % (waiting(m), a.share))
    print("-- %d of %d requests were told to come again, %d wait inside" % (
        CLIENTS - len(open_ones), CLIENTS, len(open_ones)))
    metrics.wait("the whole share of the provider inside, and no worker held beyond it",
                 lambda m: a.share <= waiting(m) <= a.share + 1 and m["atoll_http_workers_busy"] <= a.share + 4)
    for n in range(50):
        c, method = ask(far, 1000 + n)
        check_refused(c.read_response(method), method)
        c.close()
    others.more(40)
    print("-- %d rounds of requests to the other provider beside that" % others.rounds)

    gate.open()
    good = 0
    for c, method in open_ones:
        r = c.read_response(method)
        if r.status == 503:
            check_refused(r, method)
        elif r.status not in (200, 201, 204, 207, 404):
            raise Problem("%s after the provider came back: %d %r" % (method, r.status, r.body[:300]))
        else:
            good += 1
    if not good:
        raise Problem("none of the requests that waited inside was answered")
    outcomes = []
    wanted = hashlib.sha256(crowds.content(far.large, crowds.download_size())).hexdigest()
    for n, future in enumerate(slow):
        try:
            outcome = future.result()
        except (Problem, wire.WireError, OSError) as e:
            outcome = type(e).__name__
        if n % 2 == 1 and outcome not in (wanted, "Problem", "ConnectionResetError"):
            raise Problem("a download that went on through the hang ended with %s" % outcome)
        if n % 2 == 0 and outcome not in (201, 503, "WireError", "Closed", "BrokenPipeError", "ConnectionResetError"):
            raise Problem("an upload that went on through the hang ended with %s" % outcome)
        outcomes.append("whole" if outcome in (wanted, 201) else str(outcome))
    print("-- transfers under way: %s" % ", ".join(sorted(set("%d %s" % (outcomes.count(o), o) for o in outcomes))))

    # Well again: what was acknowledged is there, what was refused is not, and everything works.
    c = wire.Connection(*far.peer)
    for n in range(OPEN):
        r = far.request(c, "GET", far.uploads[n].path)
        if (r.status == 200) != (outcomes[2 * n] == "whole") or r.status == 200 and r.body != far.uploads[n].body:
            raise Problem("%s: %d after its upload ended with %s" % (far.uploads[n].path, r.status, outcomes[2 * n]))
    for n in range(20):
        held_up.burst(far, 1, n, 1)
    c.close()
    others.end()
    for c, _ in asked:
        c.close()
    far.close()
    metrics.wait("all gauges back at nothing", lambda m: waiting(m) == 0 and all(
        m["atoll_http_" + name] == 0 for name in ("connections_open", "requests_active", "workers_busy")) and
        m["process_open_fds"] <= before["process_open_fds"] + 32)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--metrics", type=int, required=True)
    p.add_argument("--gate", required=True)
    p.add_argument("--home", required=True, metavar="LOGIN")
    p.add_argument("--far", required=True, metavar="LOGIN", help="whose space is with the provider that hangs")
    p.add_argument("--share", type=int, required=True, help="calls that may be in one provider")
    p.add_argument("--leave-hanging", action="store_true")
    a = p.parse_args()
    crowds.need_descriptors(1000)
    home = crowds.Crowd("127.0.0.1", a.port, a.home, "/remote.php/webdav/")
    far = crowds.Crowd("127.0.0.1", a.port, a.far, "/remote.php/webdav/")
    metrics, gate = crowds.Metrics(a.metrics), Gate(a.gate)
    home.prepare()
    far.prepare()
    if not a.leave_hanging:
        hang(a, metrics, gate, home, far)
        return 0
    gate.shut()
    asked = [ask(far, n) for n in range(30)]
    metrics.wait("calls that hang", lambda m: waiting(m) >= a.share)
    print("-- %d requests are left behind" % len(asked), flush=True)
    sys.stdin.read()  # the connections stay open until the server has ended
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Problem, wire.WireError, OSError) as e:
        print("FAILED: %s: %s" % (type(e).__name__, e), file=sys.stderr, flush=True)
        os._exit(1)  # threads may be waiting for answers still
