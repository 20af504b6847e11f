# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 client that changes nothing: bytes go out as given, and answers are read strictly (RFC 9112).

Library clients normalise paths, refuse raw UTF-8 in heads and forgive servers. Tests of a server need the opposite.
"""
import re
import socket
import time

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9]) ([^\r\n\x00]*)\r\n")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[^\r\n\x00]*[^\r\n\x00 \t])?)[ \t]*\r\n")


class WireError(Exception):
    """The answer isn't valid HTTP/1.1, or didn't come in time."""


class Closed(WireError):
    """The connection was closed or reset before an answer began."""


class Response:
    """One final answer. `headers` is a list of (name, value) in the order of the wire."""

    def __init__(self, status, reason, headers, body, interim, closes):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body
        self.interim, self.closes = interim, closes

    def get(self, name):
        """All values of a field, joined as RFC 9110 section 5.2 allows; None if it's absent."""
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        return ", ".join(values) if values else None


class Connection:
    """One connection. Not for use by several threads."""

    def __init__(self, host, port, timeout=60.0):
        self.peer = (host, port)
        self.timeout = timeout
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.usable = True

    def close(self):
        self.usable = False
        try:
            self.socket.close()
        except OSError:
            pass

    def send(self, data):
        """Sends all; a peer that closes early is no error here, since its answer may already be on the way."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            self.usable = False
            return False

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except socket.timeout as e:
            raise WireError("no answer within %g s" % self.timeout) from e
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        if data:
            self.buffer += data
        return bool(data)

    def _take(self, n):
        parts, have = [self.buffer], len(self.buffer)
        while have < n:
            self.buffer = b""
            if not self._more():
                raise WireError("connection closed %d bytes before the end of the body" % (n - have))
            parts.append(self.buffer)
            have += len(self.buffer)
        data = b"".join(parts)
        self.buffer = data[n:]
        return data[:n]

    def _line(self):
        while b"\n" not in self.buffer:
            if len(self.buffer) > 1 << 20:
                raise WireError("a line of more than 1 MiB")
            if not self._more():
                raise WireError("connection closed inside a line")
        end = self.buffer.index(b"\n") + 1
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        return line

    def read_head(self):
        """Status, reason and fields of the next answer, interim or final."""
        if not self.buffer and not self._more():
            raise Closed("connection closed without an answer")
        line = self._line()
        m = STATUS_LINE.fullmatch(line)
        if not m:
            raise WireError("bad status line %r" % line)
        headers = []
        while True:
            field = self._line()
            if field == b"\r\n":
                break
            f = FIELD.fullmatch(field)
            if not f:
                raise WireError("bad header field %r" % field)
            headers.append((f.group(1).decode("ascii"), f.group(2).decode("utf-8", "surrogateescape")))
        return int(m.group(1)), m.group(2).decode("latin-1"), headers

    def read_interim(self):
        """The next head; used by `Expect: 100-continue`."""
        return self.read_head()

    def read_response(self, method, head=None, interim=None):
        """The next final answer; interim ones are collected."""
        interim = list(interim or [])
        while True:
            status, reason, headers = head or self.read_head()
            head = None
            if status >= 200:
                break
            interim.append(status)
        names = [n.lower() for n, _ in headers]
        lengths = [v for n, v in headers if n.lower() == "content-length"]
        encodings = [v for n, v in headers if n.lower() == "transfer-encoding"]
        connection = ",".join(v for n, v in headers if n.lower() == "connection").lower()
        closes = "close" in connection
        if len(set(lengths)) > 1 or (lengths and encodings):
            raise WireError("the answer's length is ambiguous: %r %r" % (lengths, encodings))
        if names.count("content-type") > 1:
            raise WireError("more than one Content-Type")
        if method == "HEAD" or status in (204, 304):
            if status == 204 and (encodings or (lengths and lengths[0] != "0")):
                raise WireError("a 204 with a body")
            body = b""
        elif encodings:
            if encodings != ["chunked"]:
                raise WireError("Transfer-Encoding %r" % encodings)
            body = self._chunked()
        elif lengths:
            if not re.fullmatch("[0-9]+", lengths[0]):
                raise WireError("Content-Length %r" % lengths[0])
            body = self._take(int(lengths[0]))
        else:
            if not closes:
                raise WireError("an answer without a length on a connection that stays open")
            while self._more():
                pass
            body, self.buffer = self.buffer, b""
        if closes:
            self.usable = False
        return Response(status, reason, headers, body, interim, closes)

    def _chunked(self):
        parts = []
        while True:
            line = self._line()
            m = re.fullmatch(rb"([0-9A-Fa-f]{1,15})(;[^\r\n]*)?\r\n", line)
            if not m:
                raise WireError("bad chunk size %r" % line)
            size = int(m.group(1), 16)
            if size == 0:
                while self._line() != b"\r\n":
                    pass
                return b"".join(parts)
            parts.append(self._take(size))
            if self._take(2) != b"\r\n":
                raise WireError("a chunk that doesn't end in CRLF")

    def closed_by_peer(self, seconds=15.0):
        """True once the peer has closed; whatever it still sends is kept in `buffer`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                if not self._more():
                    return True
            except WireError:
                return False
        return False
