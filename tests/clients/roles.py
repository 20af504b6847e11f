#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every role by every operation on every protocol, out of the tables below. What is refused changes nothing, and who may not
see a space is answered as if it weren't there. Run by roles, which starts the server: roles.py URL ADMIN:PASSWORD
"""
import itertools
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True
import graph  # noqa: E402
from graph import BETA, G, ROLES  # noqa: E402

URL, ADMIN = sys.argv[1:]
server = graph.Server(URL)
ACTION = "libre.graph/driveItem/"

# ---- who: how he comes to a project space. Nothing: he is no member.
PEOPLE = {
    "stranger": None,
    "seer": {"@libre.graph.permissions.actions": [ACTION + "basic/read"]},
    "viewer": {"roles": [ROLES["Space Viewer"]]},
    # What an Uploader has on a folder; the role itself is none for the root of a space.
    "uploader": {"@libre.graph.permissions.actions": [ACTION + "content/read", ACTION + "children/create"]},
    "writer": {"@libre.graph.permissions.actions": [ACTION + "content/read", ACTION + "upload/create"]},
    "editor": {"roles": [ROLES["Space Editor"]]},
    "manager": {"roles": [ROLES["Manager"]]},
    "keeper": None,  # has the app role Space Admin, and is no member
    "root": None,    # has the app role Admin, and is no member
}
APP_ROLES = {"keeper": "Space Admin", "root": "Admin"}

# ---- the roles that can be given on the root of a space
ON_A_ROOT = {"Space Viewer": 200, "Space Editor": 200, "Manager": 200, "Viewer": 400, "Editor": 400, "File Editor": 400,
             "Uploader": 400, "Secure Viewer": 400, "Space Editor Without Versions": 400, "Denied": 400}

# ---- a project space over /dav/spaces/{id}, and from and to somebody's own space over the old and the new root.
# A folder holds a.txt, b.txt and a folder d with x.txt.
FILES = """
operation            stranger seer viewer uploader writer editor manager keeper root
PROPFIND-0                404  207    207      207    207    207     207    404  404
PROPFIND-1                404  207    207      207    207    207     207    404  404
PROPFIND-file             404  207    207      207    207    207     207    404  404
GET                       404  403    200      200    200    200     200    404  404
HEAD                      404  403    200      200    200    200     200    404  404
GET-by-id                 404  403    200      200    200    200     200    404  404
PUT-new                   404  403    403      201    201    201     201    404  404
PUT-over                  404  403    403      403    204    204     204    404  404
PUT-by-id                 404  403    403      403    204    204     204    404  404
MKCOL                     404  403    403      201    201    201     201    404  404
DELETE-file               404  403    403      403    403    204     204    404  404
DELETE-folder             404  403    403      403    403    204     204    404  404
DELETE-root               404  403    403      403    403    403     403    404  404
MOVE                      404  403    403      403    403    201     201    404  404
MOVE-over                 404  403    403      403    403    204     204    404  404
MOVE-out-old              404  403    403      403    403    201     201    404  404
MOVE-out-new              404  403    403      403    403    201     201    404  404
MOVE-in                   409  403    403      201    201    201     201    409  409
COPY                      404  403    403      201    201    201     201    404  404
COPY-over                 404  403    403      403    204    204     204    404  404
COPY-folder               404  403    403      201    201    201     201    404  404
COPY-out-old              404  403    201      201    201    201     201    404  404
COPY-out-new              404  403    201      201    201    201     201    404  404
COPY-in                   409  403    403      201    201    201     201    409  409
PROPPATCH                 404  403    403      403    200    200     200    404  404
PROPPATCH-mtime           404  403    403      403    200    200     200    404  404
LOCK                      404  403    403      403    200    200     200    404  404
LOCK-unmapped             404  403    403      403    201    201     201    404  404
item-root                 404  200    200      200    200    200     200    404  404
item                      404  200    200      200    200    200     200    404  404
children                  404  200    200      200    200    200     200    404  404
"""

# ---- a project space over Graph. "yes" and "no": whether it is in a list
SPACE = """
operation            stranger seer viewer uploader writer editor manager keeper root
get                       404  200    200      200    200    200     200    200  200
me-drives                  no  yes    yes      yes    yes    yes     yes     no   no
drives                     no  yes    yes      yes    yes    yes     yes    yes  yes
members                   404  200    200      200    200    200     200    200  200
name                      404  403    403      403    403    403     200    200  200
description               404  403    403      403    403    403     200    200  200
alias                     404  403    403      403    403    403     200    200  200
readme                    404  403    403      403    403    403     200    200  200
quota                     404  403    403      403    403    403     403    200  200
invite                    404  403    403      403    403    403     200    200  200
invite-group              404  403    403      403    403    403     200    200  200
change-member             404  403    403      403    403    403     200    200  200
remove-member             404  403    403      403    403    403     204    204  204
promote-himself           404  403    403      403    403    403     200    404  404
purge-in-use              404  403    403      403    403    403     400    400  400
restore-in-use            404  403    403      403    403    403     200    200  200
disable                   404  403    403      403    403    403     204    204  204
leave                     404  204    204      204    204    204     204    404  404
"""

# ---- the same when it is disabled
DISABLED = """
operation            stranger seer viewer uploader writer editor manager keeper root
get                       404  404    404      404    404    404     200    200  200
me-drives                  no   no     no       no     no     no     yes     no   no
drives                     no   no     no       no     no     no     yes    yes  yes
members                   404  404    404      404    404    404     200    200  200
PROPFIND-0                404  404    404      404    404    404     404    404  404
PUT-new                   404  404    404      404    404    404     404    404  404
name                      404  404    404      404    404    404     200    200  200
restore                   404  404    404      404    404    404     200    200  200
purge                     404  404    404      404    404    404     204    204  204
"""

# ---- somebody's personal space: its owner's, over all roots. The old root names nobody.
PERSONAL = """
operation               owner stranger keeper root
PROPFIND-old              207        -      -    -
PROPFIND-new              207      404    404  404
PROPFIND-spaces           207      404    404  404
GET-old                   200        -      -    -
GET-new                   200      404    404  404
GET-spaces                200      404    404  404
PUT-old                   201        -      -    -
PUT-new                   201      404    404  404
PUT-spaces                201      404    404  404
MKCOL-old                 201        -      -    -
MKCOL-new                 201      404    404  404
MKCOL-spaces              201      404    404  404
MOVE-old                  201        -      -    -
MOVE-new                  201      404    404  404
MOVE-spaces               201      404    404  404
COPY-old                  201        -      -    -
COPY-new                  201      404    404  404
COPY-spaces               201      404    404  404
PROPPATCH-old             200        -      -    -
PROPPATCH-new             200      404    404  404
PROPPATCH-spaces          200      404    404  404
LOCK-old                  200        -      -    -
LOCK-new                  200      404    404  404
LOCK-spaces               200      404    404  404
DELETE-old                204        -      -    -
DELETE-new                204      404    404  404
DELETE-spaces             204      404    404  404
get                       200      404    404  200
me-drives                 yes       no     no   no
drives                    yes       no     no  yes
description               200      404    404  200
name                      400      404    404  400
quota                     403      404    404  200
invite                    400      404    404  400
purge-in-use              403      404    404  400
disable                   403      404    404  204
"""

PROPS = ('<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:u="urn:u"><d:prop><d:getetag/><d:getcontentlength/>'
         '<d:getlastmodified/><d:lockdiscovery/><oc:id/><oc:checksums/><u:mark/></d:prop></d:propfind>')
MARK = '<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop>%s</d:prop></d:set></d:propertyupdate>'
LOCK = ('<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockinfo>')
numbers = itertools.count(1)
failures = []


def rows(table):
    lines = [line.split() for line in table.strip().splitlines()]
    return lines[0][1:], [(line[0], dict(zip(lines[0][1:], line[1:], strict=True))) for line in lines[1:]]


class Person:
    def __init__(self, name):
        self.name = name
        self.login = "%s:pass-%s" % (name, name)
        self.id = server.make_user(ADMIN, name, "pass-" + name)
        drive = server.must(200, self.login, "GET", G + "me/drive").json
        self.drive, self.space = drive["id"], drive["id"].split("$")[1]


class Case:
    """One operation of one person on one space of the owner, with a folder made for it."""

    def __init__(self, owner, who, drive, extra, disabled=False):
        self.owner, self.who, self.drive, self.extra = owner, who, drive, extra
        self.number = next(numbers)
        self.folder = "/dav/spaces/%s/f%d" % (drive, self.number)
        self.node = ""
        if not disabled:
            for method, path, body in (("MKCOL", "", None), ("PUT", "/a.txt", "a"), ("PUT", "/b.txt", "b"), ("MKCOL", "/d", None),
                                       ("PUT", "/d/x.txt", "x")):
                made = server.must(201, owner.login, method, self.folder + path, body)
                if path == "/a.txt":
                    self.node = made.header("OC-FileId")
        server.must((201, 204), who.login, "PUT", "/remote.php/webdav/own%d.txt" % self.number, "own")

    def state(self):
        """All that the operation could have changed, as the owner and the person himself see it."""
        out = []
        for path in (self.folder.rsplit("/", 1)[0] + "/", self.folder + "/", self.folder + "/d/"):
            out.append(server.ask(self.owner.login, "PROPFIND", path, PROPS, {"Depth": "1"}).body)
        out.append(server.ask(self.who.login, "PROPFIND", "/remote.php/webdav/", PROPS, {"Depth": "1"}).body)
        out.append(server.ask(ADMIN, "GET", G + "drives/" + self.drive).body)
        return out

    def request(self, operation, drive=None):
        """(method, path, body, headers) of an operation; `drive`: on another one."""
        drive = drive or self.drive
        folder, n = "/dav/spaces/%s/f%d" % (drive, self.number), self.number
        name, _, where = operation.partition("-")
        own_old, own_new = "/remote.php/webdav/", "/remote.php/dav/files/%s/" % self.who.name
        extra = self.extra

        def to(path, over=False):
            return {"Destination": server.url + path, "Overwrite": "T" if over else "F"}

        node = self.node.split("!")[-1] or drive.split("$")[1]
        permissions = BETA + "drives/%s/root/permissions" % drive
        table = {
            "PROPFIND-0": ("PROPFIND", folder.rsplit("/", 1)[0], PROPS, {"Depth": "0"}),
            "PROPFIND-1": ("PROPFIND", folder, PROPS, {"Depth": "1"}),
            "PROPFIND-file": ("PROPFIND", folder + "/a.txt", PROPS, {"Depth": "0"}),
            "GET": ("GET", folder + "/a.txt", None, {}),
            "HEAD": ("HEAD", folder + "/a.txt", None, {}),
            "GET-by-id": ("GET", "/dav/spaces/%s!%s" % (drive, node), None, {}),
            "PUT-new": ("PUT", folder + "/new.txt", "new", {}),
            "PUT-over": ("PUT", folder + "/a.txt", "over", {}),
            "PUT-by-id": ("PUT", "/dav/spaces/%s!%s" % (drive, node), "over", {}),
            "MKCOL": ("MKCOL", folder + "/new", None, {}),
            "DELETE-file": ("DELETE", folder + "/a.txt", None, {}),
            "DELETE-folder": ("DELETE", folder + "/d", None, {}),
            "DELETE-root": ("DELETE", folder.rsplit("/", 1)[0], None, {}),
            "MOVE": ("MOVE", folder + "/a.txt", None, to(folder + "/new.txt")),
            "MOVE-over": ("MOVE", folder + "/a.txt", None, to(folder + "/b.txt", True)),
            "MOVE-out-old": ("MOVE", folder + "/a.txt", None, to(own_old + "o%d.txt" % n)),
            "MOVE-out-new": ("MOVE", folder + "/a.txt", None, to(own_new + "o%d.txt" % n)),
            "MOVE-in": ("MOVE", own_old + "own%d.txt" % n, None, to(folder + "/in.txt")),
            "COPY": ("COPY", folder + "/a.txt", None, to(folder + "/new.txt")),
            "COPY-over": ("COPY", folder + "/a.txt", None, to(folder + "/b.txt", True)),
            "COPY-folder": ("COPY", folder + "/d", None, to(folder + "/e")),
            "COPY-out-old": ("COPY", folder + "/a.txt", None, to(own_old + "o%d.txt" % n)),
            "COPY-out-new": ("COPY", folder + "/a.txt", None, to(own_new + "o%d.txt" % n)),
            "COPY-in": ("COPY", own_new + "own%d.txt" % n, None, to(folder + "/in.txt")),
            "PROPPATCH": ("PROPPATCH", folder + "/a.txt", MARK % '<mark xmlns="urn:u">1</mark>', {}),
            "PROPPATCH-mtime": ("PROPPATCH", folder + "/a.txt", MARK % "<d:lastmodified>1600000000</d:lastmodified>", {}),
            "LOCK": ("LOCK", folder + "/a.txt", LOCK, {"Timeout": "Second-60"}),
            "LOCK-unmapped": ("LOCK", folder + "/new.txt", LOCK, {"Timeout": "Second-60"}),
            "item-root": ("GET", G + "drives/%s/root" % drive, None, {}),
            "item": ("GET", G + "drives/%s/items/%s!%s" % (drive, drive, node), None, {}),
            "children": ("GET", G + "drives/%s/root/children" % drive, None, {}),
            "get": ("GET", G + "drives/" + drive, None, {}),
            "me-drives": ("GET", G + "me/drives", None, {}),
            "drives": ("GET", G + "drives", None, {}),
            "members": ("GET", permissions, None, {}),
            "name": ("PATCH", G + "drives/" + drive, {"name": "Name %d" % n}, {}),
            "description": ("PATCH", G + "drives/" + drive, {"description": "Text %d" % n}, {}),
            "alias": ("PATCH", G + "drives/" + drive, {"driveAlias": "project/alias-%d" % n}, {}),
            "readme": ("PATCH", G + "drives/" + drive,
                       {"special": [{"id": "%s!%s" % (drive, node), "specialFolder": {"name": "readme"}}]}, {}),
            "quota": ("PATCH", G + "drives/" + drive, {"quota": {"total": 1000000 + n}}, {}),
            "invite": ("POST", BETA + "drives/%s/root/invite" % drive,
                       {"recipients": [{"objectId": extra["new"].id}], "roles": [ROLES["Space Viewer"]]}, {}),
            "invite-group": ("POST", BETA + "drives/%s/root/invite" % drive,
                             {"recipients": [{"objectId": extra["group"], "@libre.graph.recipient.type": "group"}],
                              "roles": [ROLES["Space Viewer"]]}, {}),
            "change-member": ("PATCH", permissions + "/u:" + extra["member"].id, {"roles": [ROLES["Space Editor"]]}, {}),
            "remove-member": ("DELETE", permissions + "/u:" + extra["member"].id, None, {}),
            "promote-himself": ("PATCH", permissions + "/u:" + self.who.id, {"roles": [ROLES["Manager"]]}, {}),
            "leave": ("DELETE", permissions + "/u:" + self.who.id, None, {}),
            "purge-in-use": ("DELETE", G + "drives/" + drive, None, {"Purge": "T"}),
            "purge": ("DELETE", G + "drives/" + drive, None, {"Purge": "T"}),
            "restore-in-use": ("PATCH", G + "drives/" + drive, {}, {"Restore": "true"}),
            "restore": ("PATCH", G + "drives/" + drive, {}, {"Restore": "true"}),
            "disable": ("DELETE", G + "drives/" + drive, None, {}),
        }
        if operation in table:
            return table[operation]
        # A personal space, over one of its roots.
        base = {"old": "/remote.php/webdav", "new": "/remote.php/dav/files/" + (self.owner.name if drive == self.drive else "nobody-here"),
                "spaces": "/remote.php/dav/spaces/" + drive}[where] + "/f%d" % n
        return {
            "PROPFIND": ("PROPFIND", base, PROPS, {"Depth": "1"}),
            "GET": ("GET", base + "/a.txt", None, {}),
            "PUT": ("PUT", base + "/new.txt", "new", {}),
            "MKCOL": ("MKCOL", base + "/new", None, {}),
            "MOVE": ("MOVE", base + "/a.txt", None, to(base + "/new.txt")),
            "COPY": ("COPY", base + "/a.txt", None, to(base + "/new.txt")),
            "PROPPATCH": ("PROPPATCH", base + "/a.txt", MARK % '<mark xmlns="urn:u">1</mark>', {}),
            "LOCK": ("LOCK", base + "/a.txt", LOCK, {"Timeout": "Second-60"}),
            "DELETE": ("DELETE", base + "/d", None, {}),
        }[name]

    def run(self, operation, expected):
        before = self.state()
        answer = server.ask(self.who.login, *self.request(operation))
        got = str(answer.status)
        if expected in ("yes", "no"):
            listed = answer.status == 200 and any(d["id"] == self.drive for d in answer.json["value"])
            got = "yes" if listed else "no" if answer.status == 200 else got
        elif answer.status == 207 and self.request(operation)[0] == "PROPPATCH":
            inner = set(re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer.body))
            got = inner.pop().decode() if len(inner) == 1 else "mixed"
        if got != expected:
            return self.fail(operation, "expected %s, got %r" % (expected, answer))
        refused = expected[0] == "4" or expected == "no"
        if refused and self.state() != before:
            return self.fail(operation, "it was refused with %s, and has changed something" % got)
        sees = self.who.name in APP_ROLES and operation in ("promote-himself", "leave")  # there is a space, but no such member
        if expected in ("404", "409") and not sees:
            self.same_as_not_there(operation, answer)
        return None

    def same_as_not_there(self, operation, answer):
        """What is answered to who may not see a space is what is answered of one that isn't there."""
        nowhere = "11111111-1111-4111-8111-111111111111$22222222-2222-4222-8222-222222222222"
        other = server.ask(self.who.login, *self.request(operation, nowhere))

        def plain(one, drive, name):
            texts = [one.body.decode(errors="replace")] + sorted("%s: %s" % h for h in one.headers if h[0].lower() not in ("date", "x-request-id"))
            out = "\n".join(texts)
            for part, word in ((drive, "DRIVE"), (drive.split("$")[1], "SPACE"), (name, "NAME")):
                out = out.replace(part, word).replace(urllib.parse.quote(part), word)
            return re.sub(r"Content-Length: \d+", "", out, flags=re.I)

        if (answer.status, plain(answer, self.drive, self.owner.name)) != (other.status, plain(other, nowhere, "nobody-here")):
            self.fail(operation, "a space that isn't there is answered otherwise: %r %r; this one: %r %r" % (
                other, other.headers, answer, answer.headers))

    def fail(self, operation, text):
        failures.append("%s by %s: %s" % (operation, self.who.name, text))


def make_space(owner, name):
    return server.must(201, owner.login, "POST", G + "drives", {"name": name}).json["id"]


def put_member(owner, drive, who, terms, group=None):
    if terms:
        got = server.invite(owner.login, drive, group or who.id, terms, "group" if group else "user")
        if got.status not in (200, 409):
            sys.exit("inviting %s: %r" % (who.name, got))


def main():
    owner = Person("olga")
    people = {name: Person(name) for name in PEOPLE}
    in_group = {name: Person("g-" + name) for name, terms in PEOPLE.items() if terms}
    groups = {name: server.make_group(ADMIN, "group of " + name, [one.id]) for name, one in in_group.items()}
    for name, role in APP_ROLES.items():
        server.set_app_role(ADMIN, people[name].id, role)
    extra = {"new": Person("newcomer"), "member": Person("member"), "group": server.make_group(ADMIN, "newcomers")}
    count = 0

    def prepare(drive, name):
        """As it must be before each operation: himself, and the one who is changed and removed."""
        terms = PEOPLE[name]
        put_member(owner, drive, people[name], terms)
        if terms:
            put_member(owner, drive, in_group[name], terms, groups[name])
            server.must(200, owner.login, "PATCH", BETA + "drives/%s/root/permissions/u:%s" % (drive, people[name].id), terms)
        put_member(owner, drive, extra["member"], {"roles": [ROLES["Space Viewer"]]})
        for holder in ("u:" + extra["new"].id, "g:" + extra["group"]):
            server.ask(owner.login, "DELETE", BETA + "drives/%s/root/permissions/%s" % (drive, holder))

    # ---- which roles there are for the root of a space
    drive = make_space(owner, "Which roles")
    offered = server.must(200, owner.login, "GET", BETA + "drives/%s/root/permissions" % drive).json
    allowed = {one["id"] for one in offered["@libre.graph.permissions.roles.allowedValues"]}
    for name, status in ON_A_ROOT.items():
        got = server.invite(owner.login, drive, extra["new"].id, {"roles": [ROLES[name]]})
        if got.status != status or (ROLES[name] in allowed) != (status == 200):
            failures.append("the role %s on the root of a space: expected %d, got %r" % (name, status, got))
        server.ask(owner.login, "DELETE", BETA + "drives/%s/root/permissions/u:%s" % (drive, extra["new"].id))
        count += 1

    # ---- files and spaces, as a member himself and by his group
    for name in PEOPLE:
        drive = make_space(owner, "Space for " + name)
        for table in (FILES, SPACE):
            for operation, cells in rows(table)[1]:
                for who in filter(None, (people[name], in_group.get(name))):
                    if who is not people[name] and operation in ("promote-himself", "leave"):
                        continue  # what he has is his group's
                    prepare(drive, name)
                    Case(owner, who, drive, extra).run(operation, cells[name])
                    count += 1
                    if operation == "disable" and cells[name] == "204":
                        server.must(200, owner.login, "PATCH", G + "drives/" + drive, {}, {"Restore": "true"})
        prepare(drive, name)
        for operation, cells in rows(DISABLED)[1]:
            for who in filter(None, (people[name], in_group.get(name))):
                if operation == "purge" and who is people[name] and name in in_group and cells[name] == "204":
                    continue  # once
                server.must(204, owner.login, "DELETE", G + "drives/" + drive)
                Case(owner, who, drive, extra, disabled=True).run(operation, cells[name])
                count += 1

    # ---- personal spaces
    columns, table = rows(PERSONAL)
    for operation, cells in table:
        for name in columns:
            if cells[name] != "-":
                Case(owner, owner if name == "owner" else people[name], owner.drive, extra).run(operation, cells[name])
                count += 1
    if failures:
        print("\n".join(failures))
        sys.exit("%d of %d checks failed" % (len(failures), count))
    print("%d operations of %d people" % (count, len(people) + len(in_group) + 1))


main()
