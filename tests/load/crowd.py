#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A crowd of clients that take time: idle keep-alive connections, and transfers that move 1 KiB a second in either direction.

One thread, no events: whoever owns a Crowd calls tick() about once a second, and each slow client moves its 1 KiB then.
As a program it holds a crowd on a server until its standard input ends; it prints "ready" when all are there.
"""
import argparse
import base64
import hashlib
import os
import re
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True
import wire  # noqa: E402

STEP = 1024  # bytes that a slow transfer moves in each tick
WAVE = 200  # connections that are opened before the first of them is read
# Descriptors of the server beside its connections: the files of the transfers, databases, epoll.
SPARE_DESCRIPTORS = 600


class Problem(Exception):
    """What the test or the report ends with: a sentence."""


def content(name, size):
    """Bytes that can be made again from a name."""
    return hashlib.shake_128(name.encode()).digest(size)


def need_descriptors(count):
    """Raises the limit of this process to `count`; the server raises its own up to the same hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise Problem("this needs %d open files in the client and in the server, and the hard limit is %d: raise it "
                      "(ulimit -Hn %d as root, LimitNOFILE= of a unit, --ulimit nofile=%d of a container)" % (
                          count, hard, count, count))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def download_size():
    """More than the kernel buffers for a connection that doesn't read, so that the server has to wait."""
    with open("/proc/sys/net/ipv4/tcp_wmem", encoding="ascii") as f:
        return max(4 << 20, 3 * int(f.read().split()[2]))


def receive_now(s, size):
    """What is there; BlockingIOError when that is nothing. (A socket with a time limit waits, whatever its flags say.)"""
    s.setblocking(False)
    try:
        return s.recv(size)
    finally:
        s.settimeout(60)


class Slow:
    """One connection that moves STEP bytes whenever tick() is called."""

    def __init__(self, crowd, number, receive_buffer=None):
        self.crowd, self.number, self.moved = crowd, number, 0
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # Segments that fit into it: else the sender waits for more room than it ever gets, and probes rarely.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, STEP)
        self.socket.settimeout(60)
        self.socket.connect(crowd.peer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()


class Download(Slow):
    """A GET whose answer is read slowly."""

    def __init__(self, crowd, number):
        super().__init__(crowd, number, receive_buffer=4096)
        self.sum, self.size = hashlib.sha256(), None
        self.socket.sendall(crowd.head("GET", crowd.large))

    def head_read(self):
        """Waits for the head of the answer; true to the byte, so that what follows is body."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise Problem("download %d: closed inside the head %r" % (self.number, head))
            head += byte
        length = re.search(rb"\r\ncontent-length: *([0-9]+)\r\n", head, re.I)
        if not head.startswith(b"HTTP/1.1 200 ") or not length:
            raise Problem("download %d: %r" % (self.number, head))
        self.size = int(length.group(1))

    def tick(self):
        try:
            self.take(receive_now(self.socket, STEP))
        except BlockingIOError:
            pass
        except ConnectionError as e:
            raise Problem("download %d: %s after %d bytes" % (self.number, e, self.moved)) from e

    def take(self, data):
        if not data:
            raise Problem("download %d: closed after %d of %d bytes" % (self.number, self.moved, self.size))
        self.moved += len(data)
        self.sum.update(data)

    def finish(self):
        """Reads the rest as fast as it comes; the SHA-256 of all."""
        while self.moved < self.size:
            self.take(self.socket.recv(min(1 << 16, self.size - self.moved)))
        return self.sum.hexdigest()


class Upload(Slow):
    """A PUT whose body is sent slowly: every third one small, large, and chunked."""
    SIZES = (128 << 10, 1 << 20, 512 << 10)

    def __init__(self, crowd, number):
        super().__init__(crowd, number)
        self.path = "%sslow-%s-%d.bin" % (crowd.folder, crowd.name, number)
        self.body = content(self.path, self.SIZES[number % 3])
        self.chunked = number % 3 == 2
        framing = "Transfer-Encoding: chunked" if self.chunked else "Content-Length: %d" % len(self.body)
        self.socket.sendall(crowd.head("PUT", self.path, framing))

    def tick(self):
        early = b""
        try:
            self.send(self.body[self.moved:self.moved + STEP])
            early = receive_now(self.socket, 4096)
        except BlockingIOError:
            return
        except ConnectionError as e:
            raise Problem("upload %d: %s after %d bytes" % (self.number, e, self.moved)) from e
        raise Problem("upload %d: answered after %d bytes: %r" % (self.number, self.moved, early))

    def send(self, data):
        self.moved += len(data)
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    def finish(self):
        """Sends the rest as fast as it is taken; the status of the answer."""
        self.send(self.body[self.moved:])
        if self.chunked:
            self.socket.sendall(b"0\r\n\r\n")
        connection = wire.Connection.__new__(wire.Connection)  # the reading half is all that is wanted of it
        connection.socket, connection.buffer, connection.timeout, connection.usable = self.socket, b"", 60, True
        return connection.read_response("PUT").status


class Crowd:
    """`login` is name:password, `folder` a path of the server that ends in a slash, `name` keeps crowds apart."""

    def __init__(self, host, port, login, folder, name="crowd"):
        self.peer, self.folder, self.name = (host, port), folder, name
        self.auth = "Basic " + base64.b64encode(login.encode()).decode()
        self.small, self.large = folder + "crowd-small.bin", folder + "crowd-large.bin"
        self.idle, self.downloads, self.uploads = [], [], []

    def head(self, method, path, *fields):
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: %s:%d" % self.peer, "Authorization: " + self.auth]
        return ("\r\n".join(lines + list(fields)) + "\r\n\r\n").encode()

    def request(self, connection, method, path, body=None, *fields):
        """One request on a wire.Connection."""
        if body is not None:
            fields += ("Content-Length: %d" % len(body),)
        connection.send(self.head(method, path, *fields) + (body or b""))
        return connection.read_response(method)

    def prepare(self):
        """The files that the crowd asks for."""
        connection = wire.Connection(*self.peer)
        for path, size in ((self.small, 4096), (self.large, download_size())):
            status = self.request(connection, "PUT", path, content(path, size)).status
            if status not in (201, 204):
                raise Problem("PUT %s: %d" % (path, status))
        connection.close()

    def open_idle(self, count):
        """Each makes one authenticated request and stays."""
        while len(self.idle) < count:
            wave = [wire.Connection(*self.peer) for _ in range(min(WAVE, count - len(self.idle)))]
            for c in wave:
                c.send(self.head("GET", self.small))
            for c in wave:
                r = c.read_response("GET")
                if r.status != 200 or r.closes:
                    raise Problem("idle connection %d: %d%s" % (len(self.idle), r.status, ", closed" * r.closes))
                self.idle.append(c)

    def open_slow(self, downloads, uploads):
        self.uploads = [Upload(self, n) for n in range(uploads)]
        self.downloads = [Download(self, n) for n in range(downloads)]
        for d in self.downloads:
            d.head_read()

    def tick(self):
        for one in self.downloads + self.uploads:
            one.tick()

    def broken_idle(self):
        """How many of the idle ones were closed by the server."""
        broken = 0
        for c in self.idle:
            try:
                receive_now(c.socket, 1)
                broken += 1
            except BlockingIOError:
                pass
            except OSError:
                broken += 1
        return broken

    def close(self):
        for one in self.idle + self.downloads + self.uploads:
            one.close()
        self.idle, self.downloads, self.uploads = [], [], []


class Metrics:
    """/metrics of a server, read afresh by each call."""

    def __init__(self, port):
        self.connection = wire.Connection("127.0.0.1", port)

    def read(self):
        self.connection.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        r = self.connection.read_response("GET")
        if r.status != 200:
            raise Problem("/metrics: %d" % r.status)
        return {m.group(1): float(m.group(2)) for m in re.finditer(r"^(\S+) (\S+)$", r.body.decode(), re.M)
                if not m.group(1).startswith("#")}

    def wait(self, what, condition, seconds=60):
        """Polls until condition(values) holds; gives the values."""
        end = time.monotonic() + seconds
        while True:
            values = self.read()
            if condition(values):
                return values
            if time.monotonic() > end:
                raise Problem("not seen within %d s: %s; last: %s" % (seconds, what, ", ".join(
                    "%s %d" % (k[len("atoll_http_"):], v) for k, v in sorted(values.items())
                    if k.startswith("atoll_http_") and v)))
            time.sleep(0.002)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--login", required=True)
    p.add_argument("--folder", default="/remote.php/webdav/")
    p.add_argument("--idle", type=int, default=10000)
    p.add_argument("--downloads", type=int, default=100)
    p.add_argument("--uploads", type=int, default=100)
    a = p.parse_args()
    crowd = Crowd(a.host, a.port, a.login, a.folder)
    try:
        need_descriptors(a.idle + a.downloads + a.uploads + SPARE_DESCRIPTORS)
        crowd.prepare()
        crowd.open_idle(a.idle)
        crowd.open_slow(a.downloads, a.uploads)
        print("ready", flush=True)
        ended = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
        while not ended.wait(1):
            crowd.tick()
        broken = crowd.broken_idle()
        if broken:
            raise Problem("%d idle connections were closed meanwhile" % broken)
    except (Problem, wire.WireError, OSError) as e:
        print("crowd: %s" % e, flush=True)
        return 1
    print("done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
