#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads by hand. Run by tus, which starts, kills and restarts the server:

    tus.py leg WORK ROUND SEED PID    one leg of an upload. Exit code 0: the file is whole. 3: the server was killed
    tus.py rules                      two at once, other credentials, revoked rights, the quota

URL in the environment, ADMIN, USER2 as name:password.
"""
import base64
import hashlib
import http.client
import json
import os
import random
import select
import signal
import socket
import sys
import time
import urllib.parse

URL = os.environ["URL"]
HOST = urllib.parse.urlsplit(URL).netloc
ADMIN, USER2 = os.environ["ADMIN"], os.environ["USER2"]
VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = dict(VERSION, **{"Content-Type": "application/offset+octet-stream"})


def login(who):
    return "Basic " + base64.b64encode(who.encode()).decode()


def ask(who, method, path, body=None, headers=None):
    """(status, headers, bytes or JSON)"""
    connection = http.client.HTTPConnection(HOST, timeout=60)
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    connection.request(method, path, body, dict(headers or {}, Authorization=login(who)))
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, response.headers, json.loads(data) if "json" in (response.getheader("Content-Type") or "") else data


def must(status, got, what):
    if got[0] != status:
        sys.exit("%s: expected %s, got %s %r" % (what, status, got[0], got[2]))
    return got


def metadata(name, **more):
    return ",".join("%s %s" % (k, base64.b64encode(v.encode()).decode()) for k, v in dict(more, filename=name).items())


def create(who, folder, name, size, **more):
    headers = dict(VERSION, **{"Upload-Length": str(size), "Upload-Metadata": metadata(name, **more)})
    return ask(who, "POST", folder, None, headers)


def begin(who, folder, name, size, **more):
    got = must(201, create(who, folder, name, size, **more), "a new upload")
    return urllib.parse.urlsplit(got[1]["Location"]).path


def patch(who, path, offset, body, **headers):
    return ask(who, "PATCH", path, body, dict(BYTES, **{"Upload-Offset": str(offset)}, **headers))


def offset_of(who, path):
    return int(must(200, ask(who, "HEAD", path), "HEAD of an upload")[1]["Upload-Offset"])


class Patch:
    """A PATCH whose body is sent bit by bit."""

    def __init__(self, who, path, offset, length):
        self.socket = socket.create_connection(HOST.split(":"), timeout=60)
        head = "PATCH %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n" % (
            path, HOST, login(who), offset, length)
        head += "".join("%s: %s\r\n" % pair for pair in BYTES.items())
        self.socket.sendall(head.encode() + b"\r\n")

    def send(self, data):
        self.socket.sendall(data)

    def answered(self):
        return bool(select.select([self.socket], [], [], 0)[0])

    def status(self):
        response = http.client.HTTPResponse(self.socket, method="PATCH")
        response.begin()
        response.read()
        self.socket.close()
        return response.status


def open_patch(who, path, offset, length, first):
    """A PATCH that the server has begun to take: until it ends, the upload is locked for others."""
    end = time.monotonic() + 60
    while True:
        running = Patch(who, path, offset, length)
        running.send(first)
        # A HEAD that comes first has the upload for itself as long as it lasts; then it is the PATCH that gets the 423.
        while not running.answered() and ask(who, "HEAD", path)[0] != 423:
            if time.monotonic() > end:
                sys.exit("the server does not begin to take a PATCH")
            time.sleep(0.02)
        if not running.answered():
            return running
        must(423, (running.status(),), "a PATCH while the upload is asked about")


def leg(work, number, seed, pid):
    state_file = os.path.join(work, "tus-state-%s.json" % number)
    folder, name = "/remote.php/webdav/", "killed-%s.bin" % number
    content = random.Random("%s-%s" % (seed, number)).randbytes(6 << 20)
    try:
        with open(state_file, encoding="utf-8") as f:
            state = json.load(f)
    except FileNotFoundError:
        must(201, ask(ADMIN, "PUT", folder + name, b"old"), "the file that is replaced")
        url = begin(ADMIN, folder, name, len(content), checksum="SHA1 " + hashlib.sha1(content).hexdigest())
        state = {"url": url, "acknowledged": 0, "legs": 0}
    state["legs"] += 1
    dice = random.Random("%s-%s-%d" % (seed, number, state["legs"]))

    def keep():
        with open(state_file + ".new", "w", encoding="utf-8") as f:
            json.dump(state, f)
        os.rename(state_file + ".new", state_file)

    there = must(200, ask(ADMIN, "GET", folder + name), "the file")[2]
    if there == content:  # killed between the commit and its answer
        return 0
    if there != b"old":
        sys.exit("%s holds neither the old nor the new content" % name)
    got = ask(ADMIN, "HEAD", state["url"])
    if got[0] == 404:
        sys.exit("the upload is forgotten after a kill")
    at = int(must(200, got, "HEAD after a kill")[1]["Upload-Offset"])
    if not state["acknowledged"] <= at <= len(content):
        sys.exit("Upload-Offset is %d, but %d were acknowledged" % (at, state["acknowledged"]))
    kills = state["legs"] <= 4
    # Where the server is killed: after so many bytes of this leg; now and then only once all were sent.
    victim = at + dice.randrange(len(content) - at + 1) if at < len(content) else at
    if dice.random() < 0.2:
        victim = len(content)
    keep()
    try:
        while at < len(content):
            size = min(len(content) - at, dice.choice([1 << 16, 1 << 20, 3 << 20, len(content)]))
            request = Patch(ADMIN, state["url"], at, size)
            sent = 0
            while sent < size:
                piece = content[at + sent:at + min(size, sent + (1 << 16))]
                request.send(piece)
                sent += len(piece)
                if kills and at + sent >= victim:
                    if dice.random() < 0.5:  # or while the last of it is still on its way
                        time.sleep(dice.random() / 50)
                    os.kill(pid, signal.SIGKILL)
                    return 3
            status = request.status()
            if status != 204:
                sys.exit("PATCH at %d: %d" % (at, status))
            at += size
            state["acknowledged"] = at
            keep()
    except OSError as failure:
        sys.exit("the connection broke by itself: %s" % failure)
    if must(200, ask(ADMIN, "GET", folder + name), "the file")[2] != content:
        sys.exit("%s is not what was sent" % name)
    must(404, ask(ADMIN, "HEAD", state["url"]), "HEAD of a finished upload")
    return 0


def two_at_once():
    folder = "/remote.php/webdav/"
    url = begin(ADMIN, folder, "two.bin", 200000)
    first = open_patch(ADMIN, url, 0, 200000, b"a" * 100000)
    must(423, patch(ADMIN, url, 0, b"b" * 200000), "a second PATCH")
    must(423, patch(ADMIN, url, 100000, b"b" * 100000), "a second PATCH at another offset")
    must(423, ask(ADMIN, "DELETE", url, None, VERSION), "the end of an upload that is written to")
    first.send(b"a" * 100000)
    assert first.status() == 204
    assert must(200, ask(ADMIN, "GET", folder + "two.bin"), "GET")[2] == b"a" * 200000, "mixed bytes"
    # many at once, from the same offset: exactly one wins each time
    url = begin(ADMIN, folder, "many.bin", 40 * 1000)
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for part in range(40):
            while offset_of(ADMIN, url) == part * 1000 if part < 40 else False:
                got = list(pool.map(lambda i: patch(ADMIN, url, part * 1000, bytes([65 + i]) * 1000)[0], range(8)))
                assert set(got) <= {204, 409, 423, 404}, got
                assert got.count(204) <= 1, got
                if 204 in got:
                    break
            if part == 39:
                break
    content = must(200, ask(ADMIN, "GET", folder + "many.bin"), "GET")[2]
    assert len(content) == 40000
    for part in range(40):
        assert len(set(content[part * 1000:part * 1000 + 1000])) == 1, "mixed bytes"


def other_credentials():
    folder = "/dav/files/%s/" % USER2.split(":")[0]
    url = begin(USER2, folder, "login.txt", 11)
    must(204, patch(USER2, url, 0, b"hello"), "PATCH")
    token = must(200, ask(USER2, "POST", "/auth-app/tokens?expiry=1h&label=tus"), "an app token")[2]["token"]
    other = USER2.split(":")[0] + ":" + token
    assert offset_of(other, url) == 5
    must(204, patch(other, url, 5, b" world"), "PATCH by another credential of the account")
    assert must(200, ask(USER2, "GET", folder + "login.txt"), "GET")[2] == b"hello world"


def revoked():
    ids = must(200, ask(USER2, "GET", "/graph/v1.0/me"), "me")[2]["id"]
    space = must(201, ask(ADMIN, "POST", "/graph/v1.0/drives", {"name": "Uploads"}), "drive")[2]["id"]
    root, manage = "/dav/spaces/%s/" % space, "/graph/v1beta1/drives/%s/root/" % space
    roles = must(200, ask(ADMIN, "GET", manage + "permissions"), "roles")[2]["@libre.graph.permissions.roles.allowedValues"]
    names = {role["displayName"]: role["id"] for role in roles}
    view = [id for name, id in names.items() if "view" in name.lower()][0]
    edit = [id for name, id in names.items() if "edit" in name.lower()][0]

    def let(role):
        must(200, ask(ADMIN, "PATCH", manage + "permissions/u:" + ids, {"roles": [role]}), "another role")

    body = {"recipients": [{"objectId": ids, "@libre.graph.recipient.type": "user"}], "roles": [edit]}
    must(200, ask(ADMIN, "POST", manage + "invite", body), "invite")
    url = begin(USER2, root, "a.bin", 200000)
    must(204, patch(USER2, url, 0, b"a" * 1000), "PATCH as editor")
    let(view)
    must(403, patch(USER2, url, 1000, b"a" * 1000), "PATCH as viewer")
    must(403, create(USER2, root, "b.bin", 5), "a new upload as viewer")
    let(edit)
    running = open_patch(USER2, url, 1000, 199000, b"a" * 1000)
    let(view)
    running.send(b"a" * 198000)
    assert running.status() == 403, "the commit of one who became a viewer meanwhile"
    must(404, ask(ADMIN, "GET", root + "a.bin"), "GET")
    must(204, ask(ADMIN, "DELETE", manage + "permissions/u:" + ids), "the end of a membership")
    assert ask(USER2, "HEAD", url)[0] == 404
    assert patch(USER2, url, 2000, b"a")[0] == 404


def quota():
    drive = must(201, ask(ADMIN, "POST", "/graph/v1.0/drives", {"name": "Full", "quota": {"total": 1000000}}), "drive")[2]
    root = "/dav/spaces/%s/" % drive["id"]
    url = begin(ADMIN, root, "one.bin", 600000)
    must(507, create(ADMIN, root, "two.bin", 600000), "a second upload beyond the quota")
    must(507, ask(ADMIN, "PUT", root + "three.bin", b"x" * 600000), "a PUT into what an upload was promised")
    must(204, ask(ADMIN, "DELETE", url, None, VERSION), "the end of an upload")
    second = begin(ADMIN, root, "two.bin", 600000)
    must(507, create(ADMIN, root, "two.bin", 600000), "the same once more")
    must(204, patch(ADMIN, second, 0, b"x" * 600000), "PATCH")
    replacing = begin(ADMIN, root, "two.bin", 900000)  # 300,000 more than what it replaces
    must(204, patch(ADMIN, replacing, 0, b"y" * 900000), "PATCH of a file that is replaced")
    must(507, create(ADMIN, root, "four.bin", 100001), "one byte too many")
    must(204, ask(ADMIN, "DELETE", root + "two.bin"), "DELETE")
    for i in range(15):
        begin(ADMIN, root, "small-%d.bin" % i, 60000)
    for i in range(20):
        got = create(ADMIN, root, "more-%d.bin" % i, 60000)
        if got[0] == 507:
            break
        must(201, got, "a small upload")
    else:
        sys.exit("small unfinished uploads do not count")


def rules():
    two_at_once()
    other_credentials()
    revoked()
    quota()
    print("-- two at once, other credentials, revoked rights, quota")


if sys.argv[1] == "leg":
    sys.exit(leg(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])))
rules()
