#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""50 users and 20 groups made in parallel over Graph: each is there once and in his groups; guests know nobody; an app
token logs in on every protocol; what ends with an account. Run by accounts: accounts.py URL ADMIN:PASSWORD
"""
import base64
import concurrent.futures
import http.client
import json
import sys
import urllib.parse

URL, ADMIN = sys.argv[1:]
HOST = urllib.parse.urlsplit(URL).netloc
USERS, GROUPS = 50, 20
G = "/graph/v1.0/"


def ask(who, method, path, body=None, headers=None):
    """(status, JSON or bytes)"""
    connection = http.client.HTTPConnection(HOST, timeout=60)
    headers = dict(headers or {}, Authorization="Basic " + base64.b64encode(who.encode()).decode())
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    connection.request(method, urllib.parse.quote(path, safe="/?=&$'%"), body, headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, json.loads(data) if data and "json" in (response.getheader("Content-Type") or "") else data


def must(status, got, what):
    if got[0] != status:
        sys.exit("%s: expected %s, got %s %r" % (what, status, got[0], got[1]))
    return got[1]


def make_user(i):
    return must(201, ask(ADMIN, "POST", G + "users", {
        "onPremisesSamAccountName": "user%02d" % i, "displayName": "Person %02d" % (i % 7), "mail": "user%02d@x.example" % i,
        "passwordProfile": {"password": "pass-%02d" % i}, "accountEnabled": True}), "a user")["id"]


def make_group(i):
    return must(201, ask(ADMIN, "POST", G + "groups", {"displayName": "Group %02d" % i}), "a group")["id"]


# ---- made in parallel; the same name twice at the same time gives one
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    users, groups = pool.map(make_user, range(USERS)), pool.map(make_group, range(GROUPS))
    users, groups = list(users), list(groups)
    assert len(set(users + groups)) == USERS + GROUPS
    same = list(pool.map(lambda _: ask(ADMIN, "POST", G + "users", {"onPremisesSamAccountName": "twice"})[0], range(8)))
    assert sorted(same) == [201] + 7 * [409], same
    wanted = [(u, g) for u in range(USERS) for g in range(GROUPS) if (u * 7 + g) % 10 == 0]
    list(pool.map(lambda w: must(204, ask(ADMIN, "POST", G + "groups/%s/members/$ref" % groups[w[1]],
                                          {"@odata.id": URL + G + "users/" + users[w[0]]}), "a membership"), wanted))

    def check(i):
        me = must(200, ask("user%02d:pass-%02d" % (i, i), "GET", G + "me?$expand=memberOf"), "me")
        assert me["id"] == users[i]
        assert {g["id"] for g in me["memberOf"]} == {groups[g] for u, g in wanted if u == i}, me
        drives = must(200, ask("user%02d:pass-%02d" % (i, i), "GET", G + "me/drives"), "drives")["value"]
        assert [d["driveType"] for d in drives] == ["personal"] and drives[0]["owner"]["user"]["id"] == users[i]
        return drives[0]["id"]
    drives = list(pool.map(check, range(USERS)))
    assert len(set(drives)) == USERS

# ---- pages: all of them once, in order, with their groups
seen, path = [], G + "users?$orderby=displayName&$top=7&$expand=memberOf,appRoleAssignments"
while path:
    page = must(200, ask(ADMIN, "GET", path), "a page")
    assert len(page["value"]) <= 7
    seen += page["value"]
    path = page.get("@odata.nextLink", "").replace(URL, "")
assert len(seen) == len({u["id"] for u in seen}) == USERS + 2, len(seen)
names = [u["displayName"].lower() for u in seen]
assert names == sorted(names)
for u in seen:
    if u["id"] in users:
        assert {g["id"] for g in u["memberOf"]} == {groups[g] for i, g in wanted if users[i] == u["id"]}
found = must(200, ask(ADMIN, "GET", G + "users?$filter=memberOf/any(m:m/id eq '%s') or memberOf/any(m:m/id eq '%s')" % (groups[0], groups[1])), "of groups")
assert {u["id"] for u in found["value"]} == {users[u] for u, g in wanted if g in (0, 1)}

# ---- an app token logs in on DAV, OCS and Graph; not where it was deleted
one = "user01:pass-01"
token = must(200, ask(one, "POST", "/auth-app/tokens?expiry=1h"), "a token")
with_token = "user01:" + token["token"]
must(207, ask(with_token, "PROPFIND", "/dav/files/user01/", headers={"Depth": "0"}), "DAV")
assert must(200, ask(with_token, "GET", "/ocs/v2.php/cloud/user?format=json"), "OCS")["ocs"]["data"]["id"] == "user01"
assert must(200, ask(with_token, "GET", G + "me"), "Graph")["id"] == users[1]
must(403, ask(with_token, "POST", G + "me/changePassword", {"currentPassword": token["token"], "newPassword": "x"}), "a token is no password")
must(403, ask(with_token, "POST", G + "me/changePassword", {"currentPassword": "pass-01", "newPassword": "x"}), "a token changes no password")
must(403, ask(with_token, "POST", "/auth-app/tokens?expiry=1m"), "a token makes no token")
must(403, ask(with_token, "DELETE", "/auth-app/tokens?all=true"), "a token ends no others")
must(403, ask(one, "GET", "/auth-app/tokens?userID=" + users[2]), "the tokens of another")
must(204, ask(one, "POST", G + "me/changePassword", {"currentPassword": "pass-01", "newPassword": "next-01"}), "a new password")
must(401, ask(one, "GET", G + "me"), "the old password")
one = "user01:next-01"
must(200, ask(with_token, "GET", G + "me"), "a token stays with a new password")
must(200, ask(one, "DELETE", "/auth-app/tokens?token=" + token["id"]), "the end of a token")
must(401, ask(with_token, "GET", G + "me"), "a token that was deleted")

# ---- a laptop is stolen: admins list and end the tokens of others; a password that they set ends all of them
def make_token(login):
    return must(200, ask(login, "POST", "/auth-app/tokens?expiry=1h"), "a token")


lost, kept = make_token(one), make_token(one)
listed = must(200, ask(ADMIN, "GET", "/auth-app/tokens?userName=user01"), "his tokens")
assert {t["id"] for t in listed} == {lost["id"], kept["id"]} and lost["token"] not in json.dumps(listed), listed
must(404, ask(ADMIN, "DELETE", "/auth-app/tokens?token=%s&userID=%s" % (lost["id"], users[2])), "of another")
must(200, ask(ADMIN, "DELETE", "/auth-app/tokens?token=%s&userID=%s" % (lost["id"], users[1])), "the end of his token")
must(401, ask("user01:" + lost["token"], "GET", G + "me"), "a token that was ended")
must(200, ask("user01:" + kept["token"], "GET", G + "me"), "the other one")
must(200, ask(ADMIN, "PATCH", G + "users/" + users[1], {"accountEnabled": False}), "disabled")
must(401, ask("user01:" + kept["token"], "GET", G + "me"), "a token of a disabled account")
must(200, ask(ADMIN, "PATCH", G + "users/" + users[1], {"accountEnabled": True}), "enabled")
must(204, ask(one, "POST", G + "me/changePassword", {"currentPassword": "next-01", "newPassword": "own-01", "removeAppTokens": True}), "a new password")
must(401, ask("user01:" + kept["token"], "GET", G + "me"), "a token that was to end")
kept = make_token("user01:own-01")
must(200, ask(ADMIN, "PATCH", G + "users/" + users[1], {"passwordProfile": {"password": "set-01"}}), "a password by an admin")
must(401, ask("user01:" + kept["token"], "GET", G + "me"), "a token after a password by an admin")
one = "user01:set-01"
must(200, ask(one, "GET", G + "me"), "his new password")

# ---- a change is whole or nothing: a password that comes with something wrong is not set, and the other way round
must(400, ask(ADMIN, "PATCH", G + "users/" + users[1], {"passwordProfile": {"password": "lost"}, "preferredLanguage": "no tag!"}), "half")
must(200, ask(one, "GET", G + "me"), "the password as it was")
must(400, ask(ADMIN, "PATCH", G + "users/" + users[1], {"passwordProfile": {"password": "\u0001"}, "displayName": "Half"}), "half")
assert must(200, ask(one, "GET", G + "me"), "the name as it was")["displayName"] == "Person 01"

# ---- an app token of an admin gives nothing that outlives it
boss = ADMIN.split(":")[0] + ":" + make_token(ADMIN)["token"]
me = must(200, ask(boss, "GET", G + "me"), "the admin by his token")["id"]
roles = must(200, ask(boss, "GET", G + "applications"), "applications")["value"][0]
admin_role = [r["id"] for r in roles["appRoles"] if r["displayName"] == "Admin"][0]
must(403, ask(boss, "PATCH", G + "users/" + me, {"passwordProfile": {"password": "mine"}}), "his own password")
must(403, ask(boss, "PATCH", G + "users/" + users[1], {"passwordProfile": {"password": "mine"}}), "that of another")
must(403, ask(boss, "POST", G + "users/%s/appRoleAssignments" % users[1],
              {"principalId": users[1], "appRoleId": admin_role, "resourceId": roles["id"]}), "a second admin")
must(200, ask(boss, "PATCH", G + "users/" + users[1], {"surname": "One"}), "the work of every day")
must(200, ask(ADMIN, "DELETE", "/auth-app/tokens?all=true"), "the end of his tokens")
must(401, ask(boss, "GET", G + "me"), "a token that was ended")

# ---- a guest knows himself and those of his spaces, of all others not even that they are there
guest = must(201, ask(ADMIN, "POST", G + "users", {"userType": "Guest", "mail": "g@out.example", "passwordProfile": {"password": "guest"}}), "a guest")["id"]
guest_login = "g@out.example:guest"
assert must(200, ask(guest_login, "GET", G + "me/drives"), "drives of a guest")["value"] == []
assert must(200, ask(guest_login, "GET", G + "users?$search=user"), "a search")["value"] == []
strangers = [ask(guest_login, "GET", G + "users/" + who) for who in (users[2], "user02", "11111111-1111-4111-8111-111111111111", "nobody")]
strangers += [ask(guest_login, "GET", G + "groups/" + groups[0])]
assert {s[0] for s in strangers} == {404} and len({json.dumps(s[1]) for s in strangers[:4]}) == 1, strangers
must(403, ask(guest_login, "POST", G + "drives", {"name": "mine"}), "a space of a guest")
space = must(201, ask("user02:pass-02", "POST", G + "drives", {"name": "Meeting"}), "a space")["id"]
viewer = "a8d5fe5e-96e3-418d-825b-534dbdf22b99"


def invite(who, space, account, kind="user"):
    must(200, ask(who, "POST", "/graph/v1beta1/drives/%s/root/invite" % space,
                  {"recipients": [{"objectId": account, "@libre.graph.recipient.type": kind}], "roles": [viewer]}), "invite")


invite("user02:pass-02", space, guest)
assert must(200, ask(guest_login, "GET", G + "users/" + users[2]), "one whom he knows now")["displayName"] == "Person 02"
must(404, ask(guest_login, "GET", G + "users/" + users[3]), "a stranger still")
# of the members of his own group, those whom he knows
club = must(201, ask(ADMIN, "POST", G + "groups", {"displayName": "Club"}), "a group")["id"]
for member in (guest, users[2], users[3]):
    must(204, ask(ADMIN, "POST", G + "groups/%s/members/$ref" % club, {"@odata.id": URL + G + "users/" + member}), "a member")
for path in ("groups/%s/members" % club, "groups/%s?$expand=members" % club):
    answer = must(200, ask(guest_login, "GET", G + path), "his group")
    assert {m["id"] for m in answer.get("value", answer.get("members"))} == {guest, users[2]}, answer
assert users[3] in json.dumps(must(200, ask("user03:pass-03", "GET", G + "groups/%s/members" % club), "of a member"))
must(204, ask(ADMIN, "DELETE", G + "groups/" + club), "the end of the group")

# ---- the end: memberships at once, the personal space kept and disabled
invite("user02:pass-02", space, users[4])
invite("user02:pass-02", space, groups[0], "group")
must(204, ask(ADMIN, "DELETE", G + "users/" + users[4]), "the end of a user")
must(401, ask("user04:pass-04", "GET", G + "me"), "a login of one who is gone")
must(404, ask(ADMIN, "GET", G + "users/" + users[4]), "one who is gone")
members = json.dumps(must(200, ask("user02:pass-02", "GET", "/graph/v1beta1/drives/%s/root/permissions" % space), "members"))
assert users[4] not in members and guest in members and groups[0] in members
kept = must(200, ask(ADMIN, "GET", G + "drives/" + drives[4]), "his space")
assert kept["root"]["deleted"]["state"] == "trashed", kept
must(204, ask(ADMIN, "DELETE", G + "groups/" + groups[0]), "the end of a group")
members = json.dumps(must(200, ask("user02:pass-02", "GET", "/graph/v1beta1/drives/%s/root/permissions" % space), "members"))
assert groups[0] not in members
# the name is free, its files are not: whoever has the name next gets a space of his own
again = make_user(4)
assert again != users[4]
assert must(200, ask("user04:pass-04", "GET", G + "me/drive"), "a new drive")["id"] != drives[4]

# ---- one enabled admin remains
admin = must(200, ask(ADMIN, "GET", G + "me"), "me")["id"]
app = must(200, ask(ADMIN, "GET", G + "applications"), "applications")["value"][0]["id"]
must(400, ask(ADMIN, "DELETE", G + "users/" + admin), "the last admin")
must(400, ask(ADMIN, "PATCH", G + "users/" + admin, {"accountEnabled": False}), "the last admin")
must(400, ask(ADMIN, "DELETE", G + "users/%s/appRoleAssignments/%s" % (admin, admin)), "the last admin")
must(200, ask(ADMIN, "GET", G + "me"), "he is there")
print("%d users, %d groups, %d memberships" % (USERS, GROUPS, len(wanted)))
