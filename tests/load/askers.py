#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds clients on a space whose storage provider hangs: each asks, and when told to come again, does so after Retry-After.

Prints "ready" when the provider's share is full, and goes on until its standard input ends.
"""
import argparse
import os
import select
import sys
import time

sys.dont_write_bytecode = True
import crowd as crowds  # noqa: E402
import wire  # noqa: E402
from crowd import Problem  # noqa: E402


class Askers:
    def __init__(self, crowd, count, gate):
        self.crowd, self.gate, self.refused, self.poll = crowd, gate, 0, select.poll()
        self.clients = {}  # descriptor -> connection
        self.resting = []  # (when to ask again, descriptor)
        for _ in range(count):
            c = wire.Connection(*crowd.peer)
            self.clients[c.socket.fileno()] = c
            self.ask(c.socket.fileno())

    def ask(self, fd):
        self.clients[fd].send(self.crowd.head("GET", self.crowd.small))
        self.poll.register(fd, select.POLLIN)

    def run(self, milliseconds):
        """Reads what was answered, and asks again where the time has come."""
        for fd, _ in self.poll.poll(milliseconds):
            self.poll.unregister(fd)
            r = self.clients[fd].read_response("GET")
            pause = r.get("Retry-After") if r.status == 503 else None
            if pause is None and not os.path.exists(self.gate):
                raise Problem("the provider that hangs: %d %r" % (r.status, r.body[:300]))
            self.refused += 1
            self.resting.append((time.monotonic() + int(pause or 1), fd))
        due = [fd for when, fd in self.resting if when <= time.monotonic()]
        self.resting = [(when, fd) for when, fd in self.resting if fd not in due]
        for fd in due:
            self.ask(fd)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--login", required=True)
    p.add_argument("--gate", required=True, help="the file without which the provider hangs; it is taken away")
    p.add_argument("--clients", type=int, default=200)
    a = p.parse_args()
    crowd = crowds.Crowd("127.0.0.1", a.port, a.login, "/remote.php/webdav/")
    try:
        crowd.prepare()
        os.unlink(a.gate)
        askers = Askers(crowd, a.clients, a.gate)
        while askers.refused < a.clients // 2:
            askers.run(1000)
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]:
            if os.path.exists(a.gate):  # it is over
                break
            askers.run(50)
        sys.stdin.read()
    except (Problem, wire.WireError, OSError) as e:
        print("askers: %s" % e, flush=True)
        return 1
    print("done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
