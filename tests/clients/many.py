#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""50 users, 20 groups and 30 project spaces, made in parallel over Graph with members by user and by group: each account sees
exactly its own spaces, with exactly its permissions. Run by many: many.py URL ADMIN:PASSWORD make|check
"""
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True
import graph  # noqa: E402
from graph import BETA, G, ROLES  # noqa: E402

URL, ADMIN, VERB = sys.argv[1:]
server = graph.Server(URL)
USERS, GROUPS, SPACES = 50, 20, 30
KINDS = ["Space Viewer", "Space Editor", "Manager"]
pool = concurrent.futures.ThreadPoolExecutor(16)


def login(user):
    return "user%02d:pass-%02d" % (user, user)


def in_group(user, group):
    return user < USERS - 5 and (user * 3 + group * 7) % 11 == 0


def members(space):
    """{("u" or "g", number): role} of a space besides the one who makes it."""
    out = {("u", (space * 5 + k * 13 + 1) % (USERS - 5)): KINDS[(space + k) % 3] for k in range(3)}
    out.pop(("u", space), None)
    out.update({("g", (space * 3 + k * 7) % GROUPS): KINDS[(space + k) % 2] for k in range(2)})
    return out


def role_of(user, space):
    """What an account may in a space; roles contain each other in the order of KINDS."""
    roles = ["Manager"] if user == space else []
    for (kind, number), role in members(space).items():
        if (kind == "u" and number == user) or (kind == "g" and in_group(user, number)):
            roles.append(role)
    return max(roles, key=KINDS.index) if roles else None


def make():
    users = list(pool.map(lambda i: server.make_user(ADMIN, *login(i).split(":")), range(USERS)))

    def group(i):
        return server.make_group(ADMIN, "Group %02d" % i, [id for u, id in enumerate(users) if in_group(u, i)])

    def space(i):
        return server.must(201, login(i), "POST", G + "drives", {"name": "Space %02d" % i}).json["id"]

    groups, spaces = pool.map(group, range(GROUPS)), pool.map(space, range(SPACES))  # at the same time
    groups, spaces = list(groups), list(spaces)
    assert len(set(users + groups + spaces)) == USERS + GROUPS + SPACES

    def invite(wanted):
        i, (kind, number), role = wanted
        got = server.invite(login(i), spaces[i], (users if kind == "u" else groups)[number], {"roles": [ROLES[role]]},
                            "user" if kind == "u" else "group")
        assert got.status == 200, got

    list(pool.map(invite, [(i, who, role) for i in range(SPACES) for who, role in members(i).items()]))


def check():
    everything = {d["name"]: d["id"] for d in
                  server.must(200, ADMIN, "GET", G + "drives?$filter=driveType eq 'project'").json["value"]}
    assert sorted(everything) == ["Space %02d" % i for i in range(SPACES)], sorted(everything)

    def one(user):
        mine = server.must(200, login(user), "GET", G + "me/drives").json["value"]
        assert [d["driveType"] for d in mine].count("personal") == 1, "user %d: %r" % (user, mine)
        shown = {d["id"] for d in mine if d["driveType"] == "project"}
        reached = {i for i in range(SPACES) if role_of(user, i)}
        assert shown == {everything["Space %02d" % i] for i in reached}, "user %d sees %r" % (user, shown)
        for i in range(SPACES):
            id = everything["Space %02d" % i]
            role = role_of(user, i)
            path = "/dav/spaces/%s/by-%02d.txt" % (id, user)
            put = server.ask(login(user), "PUT", path, "x").status
            assert put in ((404,) if not role else (403,) if role == "Space Viewer" else (201, 204)), (user, i, role, put)
            told = server.ask(login(user), "GET", BETA + "drives/%s/root/permissions" % id)
            assert told.status == (200 if role else 404), (user, i, role, told)
            if role:
                holders = {p["id"] for p in told.json["value"]}
                assert len(holders) == len(members(i)) + 1, (i, holders)
            changed = server.ask(login(user), "PATCH", G + "drives/" + id, {"description": "by %d" % user}).status
            assert changed == (404 if not role else 200 if role == "Manager" else 403), (user, i, role, changed)
        return len(reached)

    reached = list(pool.map(one, range(USERS)))
    assert reached[-5:] == [0] * 5 and max(reached) > 5, reached  # the plan has both
    print("%d users, %d groups, %d spaces; %d reached" % (USERS, GROUPS, SPACES, sum(reached)))


if VERB == "make":
    make()
check()
