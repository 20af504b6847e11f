#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""me/drives of people who reach 3, 100 and many spaces. Run by drives:

    drives.py make URL ADMIN:PASSWORD REACHED   three people; the spaces that they reach, made over Graph
    drives.py fill REGISTRY SPACES              memberships, and spaces of others, written into the registry's database
    drives.py measure URL ADMIN:PASSWORD ROUNDS
"""
import concurrent.futures
import os
import random
import sqlite3
import statistics
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True
import graph  # noqa: E402
from graph import G  # noqa: E402

PEOPLE = {"few": 3, "some": 100, "many": None}  # with their personal spaces; many: all that are made


def login(name):
    return "%s:pass-%s" % (name, name)


def make(url, admin, reached):
    server = graph.Server(url)
    for name in PEOPLE:
        server.make_user(admin, name, "pass-" + name)
        server.must(200, login(name), "GET", G + "me/drive")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: server.must(201, login("many"), "POST", G + "drives", {"name": "Space %d" % i}),
                      range(int(reached) - 1)))


def fill(path, spaces):
    random.seed(1)
    db = sqlite3.connect(path)
    columns = [row[1] for row in db.execute("PRAGMA table_info(spaces)")]
    own = {name: db.execute("SELECT owner FROM spaces WHERE type = 1 AND name = ?", (name,)).fetchone()[0] for name in PEOPLE}
    made = [row[0] for row in db.execute("SELECT id FROM spaces WHERE type = 2 ORDER BY id")]
    example = dict(zip(columns, db.execute("SELECT * FROM spaces WHERE type = 2").fetchone()))
    viewer = ("a8d5fe5e-96e3-418d-825b-534dbdf22b99",)
    for name, count in PEOPLE.items():
        for space in made[:count - 1] if count else []:
            db.execute("INSERT INTO members(space, kind, account, permissions, role, expires_ns) VALUES(?, 1, ?, 3, ?, 0)",
                       (space, own[name]) + viewer)
    others = [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(10_000)]
    for i in range(int(spaces) - len(made) - len(own)):
        id = str(uuid.UUID(int=random.getrandbits(128), version=4))
        row = dict(example, id=id, owner=id, birth=id, name="Other %d" % i, alias="project/other-%d" % i)
        db.execute("INSERT INTO spaces(%s) VALUES(%s)" % (", ".join(columns), ", ".join("?" * len(columns))), [row[c] for c in columns])
        for account in random.sample(others, 3):
            db.execute("INSERT INTO members(space, kind, account, permissions, role, expires_ns) VALUES(?, 1, ?, 3, ?, 0)",
                       (id, account) + viewer)
    db.commit()
    print("%d spaces in the registry" % db.execute("SELECT count(*) FROM spaces").fetchone()[0])


def measure(url, admin, rounds):
    server = graph.Server(url)
    print("%-44s %8s %10s %10s %10s" % ("me/drives", "drives", "median ms", "p99 ms", "KiB"))
    for title, query, after_change in (("as it is", "", False), ("$select=id,name,root", "?$select=id,name,root", False),
                                       ("after a change of some other space", "", True)):
        for name in PEOPLE:
            times = []
            for i in range(int(rounds) + 2):
                if after_change:
                    drive = server.must(200, admin, "GET", G + "me/drive").json["id"]
                    server.must(200, admin, "PATCH", G + "drives/" + drive, {"description": "%s %d" % (name, i)})
                begun = time.perf_counter()
                answer = server.must(200, login(name), "GET", G + "me/drives" + query)
                times.append((time.perf_counter() - begun) * 1000)
            times = sorted(times[2:])  # the first ones fill caches
            print("%-44s %8d %10.2f %10.2f %10d" % (title, answer.body.count(b'"eTag"'), statistics.median(times),
                                                     times[int(len(times) * 0.99)], len(answer.body) >> 10))


{"make": make, "fill": fill, "measure": measure}[sys.argv[1]](*sys.argv[2:])
