#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Project spaces made in parallel over Graph: each account sees exactly its own, each role allows exactly what the role
definitions say, over WebDAV and Graph. Run by spaces, which starts the server: spaces.py URL ADMIN:PASSWORD NAME:PASSWORD...
"""
import base64
import concurrent.futures
import http.client
import json
import sys
import urllib.parse

URL, ADMIN, *PEOPLE = sys.argv[1:]
HOST = urllib.parse.urlsplit(URL).netloc
SPACES = 30


def ask(who, method, path, body=None, headers=None):
    """(status, JSON or bytes)"""
    connection = http.client.HTTPConnection(HOST, timeout=60)
    headers = dict(headers or {}, Authorization="Basic " + base64.b64encode(who.encode()).decode())
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, json.loads(data) if "json" in (response.getheader("Content-Type") or "") else data


def must(status, got, what):
    if got[0] != status:
        sys.exit("%s: expected %s, got %s %r" % (what, status, got[0], got[1]))
    return got[1]


def drives(who):
    return {d["id"]: d for d in must(200, ask(who, "GET", "/graph/v1.0/me/drives"), "me/drives")["value"]}


# ---- made in parallel, seen by exactly those who made them
ids = {who: drives(who).popitem()[1]["owner"]["user"]["id"] for who in PEOPLE}
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    wanted = [(PEOPLE[i % len(PEOPLE)], "Space %d" % i) for i in range(SPACES)]
    made = list(pool.map(lambda w: (w[0], must(201, ask(w[0], "POST", "/graph/v1.0/drives", {"name": w[1]}), "make")["id"]), wanted))
assert len({id for _, id in made}) == SPACES
for who in PEOPLE:
    mine = {id for id, d in drives(who).items() if d["driveType"] == "project"}
    assert mine == {id for owner, id in made if owner == who}, "%s sees other spaces than his own" % who
everything = {d["id"] for d in must(200, ask(ADMIN, "GET", "/graph/v1.0/drives?$filter=driveType%20eq%20'project'"), "drives")["value"]}
assert everything == {id for _, id in made}, "the admin doesn't see all spaces"
for owner, id in made:  # who is no member is told the same as of one that is not there
    for who in PEOPLE:
        if who != owner:
            must(404, ask(who, "GET", "/graph/v1.0/drives/" + id), "a stranger's look")
            must(404, ask(who, "PROPFIND", "/dav/spaces/" + id, headers={"Depth": "0"}), "a stranger's look")

# ---- from a template: with a readme, which is a file of the space
drive = must(201, ask(PEOPLE[3], "POST", "/graph/v1.0/drives?template=default", {"name": "From a template"}), "template")
readme = [one for one in drive["special"] if one["specialFolder"]["name"] == "readme"]
assert len(readme) == 1, drive
text = must(200, ask(PEOPLE[3], "GET", "/dav/spaces/" + drive["id"] + "/.space/readme.md"), "the readme of a template")
assert text.startswith(b"# "), text
must(200, ask(PEOPLE[3], "GET", urllib.parse.urlsplit(readme[0]["webDavUrl"]).path), "the readme by its id")
must(400, ask(PEOPLE[3], "POST", "/graph/v1.0/drives?template=nothing", {"name": "x"}), "no such template")
must(400, ask(PEOPLE[3], "POST", "/graph/v1.0/drives?templates=default", {"name": "x"}), "no such option")
must(400, ask(PEOPLE[3], "POST", "/graph/v1.0/drives", {"name": "x", "driveAlias": "personal/ada"}), "another's alias")

# ---- each role, each operation
manager, member, other = PEOPLE[0], PEOPLE[1], PEOPLE[2]
space = [id for owner, id in made if owner == manager][0]
root = "/dav/spaces/" + space
roles = must(200, ask(manager, "GET", "/graph/v1beta1/drives/%s/root/permissions" % space), "roles")["@libre.graph.permissions.roles.allowedValues"]
assert len(roles) == 3, roles
A = "libre.graph/driveItem/"
OPERATIONS = [  # method, path, body, headers, the action that it takes (None: any member may)
    ("PROPFIND", "/", None, {"Depth": "1"}, "basic/read"),
    ("GET", "/seen.txt", None, {}, "content/read"),
    ("PUT", "/new-{n}.txt", "x", {}, "upload/create"),
    ("PUT", "/seen.txt", "seen", {}, "upload/create"),
    ("MKCOL", "/dir-{n}", None, {}, "children/create"),
    ("PROPPATCH", "/seen.txt", '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">1</x></prop></set></propertyupdate>', {}, "upload/create"),
    ("COPY", "/seen.txt", None, {"Destination": URL + root + "/copy-{n}.txt"}, "children/create"),
    ("MOVE", "/move-{n}.txt", None, {"Destination": URL + root + "/moved-{n}.txt"}, "path/update"),
    ("DELETE", "/gone-{n}.txt", None, {}, "standard/delete"),
]
for n, role in enumerate(roles):
    for name in ("seen.txt", "move-%d.txt" % n, "gone-%d.txt" % n):
        assert ask(manager, "PUT", root + "/" + name, "seen")[0] in (201, 204)
    must(200, ask(manager, "POST", "/graph/v1beta1/drives/%s/root/invite" % space,
                  {"recipients": [{"objectId": ids[member], "@libre.graph.recipient.type": "user"}], "roles": [role["id"]]}), "invite")
    may = {a for p in role["rolePermissions"] for a in p["allowedResourceActions"]}
    for method, path, body, headers, action in OPERATIONS:
        status = ask(member, method, root + path.format(n=n), body, {k: v.format(n=n) for k, v in headers.items()})[0]
        allowed = A + action in may
        if (status < 300) != allowed or (not allowed and status != 403):
            sys.exit("%s %s with the role '%s' (%s): %s" % (method, path, role["displayName"], role["id"], status))
    manages = A + "permissions/create" in may
    for got in (ask(member, "PATCH", "/graph/v1.0/drives/" + space, {"description": "by %d" % n}),
                ask(member, "POST", "/graph/v1beta1/drives/%s/root/invite" % space, {"recipients": [{"objectId": ids[other]}], "roles": [roles[0]["id"]]}),
                ask(member, "DELETE", "/graph/v1beta1/drives/%s/root/permissions/u:%s" % (space, ids[other]))):
        if (got[0] < 300) != manages or (not manages and got[0] not in (403, 404)):
            sys.exit("managing with the role '%s': %s %r" % (role["displayName"], got[0], got[1]))
    assert space in drives(member) and space not in drives(other)
    must(403, ask(member, "PATCH", "/graph/v1.0/drives/" + space, {"quota": {"total": 5}}), "a quota by a member")
    must(204, ask(manager, "DELETE", "/graph/v1beta1/drives/%s/root/permissions/u:%s" % (space, ids[member])), "removing a member")
    must(404, ask(member, "GET", root + "/seen.txt"), "a look after the end of a membership")
print("%d spaces of %d accounts, %d roles by %d operations" % (SPACES, len(PEOPLE), len(roles), len(OPERATIONS) + 4))
