# SPDX-License-Identifier: Apache-2.0
"""Reads transcript files (the format is in tests/transcripts/README.md)."""
import re

METHOD_LINE = re.compile(r"([A-Z][A-Z-]*) (.+)")
ALL_ROOTS = ["old", "old-bare", "new", "new-bare", "spaces", "spaces-bare"]
HEADER_CHECK = re.compile(r"([A-Za-z0-9-]+):\s*(.*)")
CHECKS = ("body", "xml", "prop", "responses", "json", "save", "connection", "interim", "answers", "sentence", "error",
          "within")


class FormatError(Exception):
    pass


class Step:
    def __init__(self, title, line):
        self.title, self.line = title, line
        self.options = {}       # @option -> value, for example auth, raw, chunked
        self.method, self.target = "", ""
        self.headers = []       # (name, value), variables not yet replaced
        self.body = None        # str or None
        self.raw = ""           # with @raw: all bytes, escaped
        self.statuses = []      # "201", "4xx", "closed", "any"
        self.checks = []        # (line number, text)


class Transcript:
    def __init__(self, path):
        self.path = path
        self.roots = list(ALL_ROOTS)
        self.title = ""
        self.namespaces = {}
        self.needs = []
        self.covers = []
        self.steps = []


def parse(path):
    with open(path, encoding="utf-8", newline="\n") as f:
        lines = f.read().split("\n")
    t = Transcript(path)
    i, n = 0, len(lines)

    def fail(line, text):
        raise FormatError("%s:%d: %s" % (path, line + 1, text))

    while i < n and not lines[i].startswith("==="):
        line = lines[i].strip()
        if line.startswith("#"):
            if not t.title and "SPDX" not in line:
                t.title = line.lstrip("# ").strip()
        elif line.startswith("@roots"):
            words = line.split()[1:]
            t.roots = list(ALL_ROOTS) if words == ["all"] else words
            for w in words:
                if w not in ALL_ROOTS + ["all", "none"]:
                    fail(i, "unknown root '%s'; known: all none %s" % (w, " ".join(ALL_ROOTS)))
        elif line.startswith("@ns "):
            _, prefix, uri = line.split()
            t.namespaces[prefix] = uri
        elif line.startswith("@needs"):
            t.needs += line.split()[1:]
        elif line.startswith("@covers"):
            t.covers.append(line.split()[1:])
        elif line:
            fail(i, "expected #, @roots, @ns, @needs, @covers or === here")
        i += 1
    if not t.title:
        fail(0, "the first line must be a comment that says what is tested")
    while i < n:
        step = Step(lines[i][3:].strip(" ="), i + 1)
        i += 1
        while i < n and (lines[i].startswith("@") or lines[i].startswith("#")):
            if lines[i].startswith("@"):
                name, _, value = lines[i][1:].partition(" ")
                if name not in ("auth", "raw", "chunked", "truncate", "continue", "body", "host", "http", "no-length",
                                "method", "times"):
                    fail(i, "unknown option @%s" % name)
                step.options[name] = value.strip() or True
            i += 1
        request = []
        while i < n and lines[i] != "---":
            if lines[i].startswith("==="):
                fail(i, "a step without '---'")
            request.append(lines[i])
            i += 1
        if i >= n:
            fail(step.line - 1, "a step without '---'")
        i += 1
        if "raw" in step.options:
            step.raw = "".join(request)
            m = METHOD_LINE.match(step.raw)
            step.method = m.group(1) if m else "RAW"
        else:
            m = METHOD_LINE.fullmatch(request[0]) if request else None
            if not m:
                fail(step.line, "the request must begin with 'METHOD target'")
            step.method, step.target = m.group(1), m.group(2)
            k = 1
            while k < len(request) and request[k] != "":
                name, colon, value = request[k].partition(":")
                if not colon:
                    fail(step.line + k, "not a header: %r" % request[k])
                step.headers.append((name, value[1:] if value.startswith(" ") else value))
                k += 1
            if k + 1 < len(request):
                step.body = "\n".join(request[k + 1:])
        expected = []
        while i < n and not lines[i].startswith("==="):
            text = lines[i].strip()
            if text and not text.startswith("#"):
                expected.append((i + 1, text))
            i += 1
        if not expected:
            fail(step.line, "the expectation must begin with a status")
        step.statuses = expected[0][1].split()
        for s in step.statuses:
            if not re.fullmatch(r"[1-5][0-9x][0-9x]|closed|any", s):
                fail(expected[0][0] - 1, "not a status: %r" % s)
        step.checks = expected[1:]
        for number, text in step.checks:
            if text.split()[0] not in CHECKS and not HEADER_CHECK.fullmatch(text):
                fail(number - 1, "unknown check %r" % text)
        t.steps.append(step)
    if not t.steps:
        fail(0, "no steps")
    return t
