# SPDX-License-Identifier: Apache-2.0
"""A small client for the tests of Graph and WebDAV: one connection a thread, and people with a name and a password."""
import base64
import http.client
import json
import sys
import threading
import time
import urllib.parse

import schema

G = "/graph/v1.0/"
BETA = "/graph/v1beta1/"
ROLES = {
    "Viewer": "b1e2218d-eef8-4d4c-b82d-0f1a1b48f3b5",
    "Editor": "fb6c3e19-e378-47e5-b277-9732f9de6e21",
    "File Editor": "2d00ce52-1fc2-4dbc-8b95-a73b73395f5a",
    "Uploader": "1c996275-f1c9-4e71-abdf-a42f6495e960",
    "Space Viewer": "a8d5fe5e-96e3-418d-825b-534dbdf22b99",
    "Space Editor": "58c63c02-1d89-4572-916a-870abc5a1b7d",
    "Manager": "312c0871-5ef7-4b3a-85b6-0e4074c64049",
    "Secure Viewer": "aa97fe03-7980-45ac-9e50-b325749fd7e6",
    "Space Editor Without Versions": "3284f2d5-0070-4ad8-ac40-c247f7c1fb27",
    "Denied": "63e64e19-8d43-42ec-a738-2b6af2610efa",
}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:400])


class Server:
    def __init__(self, url):
        self.url = url.rstrip("/")
        self.host = urllib.parse.urlsplit(url).netloc
        self.threads = threading.local()

    def ask(self, who, method, path, body=None, headers=None):
        """who: NAME:PASSWORD or None. A path is sent as it is, percent-encoded where it must be. A server on a machine that is
        busy with other things says 503 and when to come again: that is done, as clients do it, for a while."""
        answer = self.ask_once(who, method, path, body, headers)
        for _ in range(30):
            if answer.status != 503 or not answer.header("Retry-After"):
                break
            print("%s %s: 503, once more: %r" % (method, path, answer.body[:200]), file=sys.stderr)
            time.sleep(int(answer.header("Retry-After")))
            answer = self.ask_once(who, method, path, body, headers)
        return answer

    def ask_once(self, who, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if who:
            headers["Authorization"] = "Basic " + base64.b64encode(who.encode()).decode()
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        path = urllib.parse.quote(path, safe="/?=&$'%!()@:,")
        for last in (False, True):
            connection = getattr(self.threads, "connection", None)
            if connection is None:
                connection = self.threads.connection = http.client.HTTPConnection(self.host, timeout=120)
                last = True
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                answer = Answer(response.status, response.getheaders(), response.read())
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                self.threads.connection = None
                if last:  # on a fresh connection: the server's fault
                    raise
        try:
            schema.check(method, path, answer.status, answer.header("Content-Type"), answer.body)
        except (schema.Mismatch, ValueError) as e:
            sys.exit("%s %s: not as in tests/schemas/graph.json: %s: %r" % (method, path, e, answer))
        return answer

    def must(self, status, who, method, path, body=None, headers=None):
        answer = self.ask(who, method, path, body, headers)
        wanted = status if isinstance(status, tuple) else (status,)
        if answer.status not in wanted:
            sys.exit("%s %s by %s: expected %s, got %r" % (method, path, (who or "nobody").split(":")[0], status, answer))
        return answer

    def make_user(self, admin, name, password):
        return self.must(201, admin, "POST", G + "users", {
            "onPremisesSamAccountName": name, "displayName": name.title(), "mail": name + "@x.example",
            "passwordProfile": {"password": password}, "accountEnabled": True}).json["id"]

    def make_group(self, admin, name, members=()):
        group = self.must(201, admin, "POST", G + "groups", {"displayName": name}).json["id"]
        for user in members:
            self.must(204, admin, "POST", G + "groups/%s/members/$ref" % group,
                      {"@odata.id": self.url + G + "users/" + user})
        return group

    def set_app_role(self, admin, user, name):
        application = self.must(200, admin, "GET", G + "applications").json["value"][0]
        role = next(r["id"] for r in application["appRoles"] if r["displayName"] == name)
        self.must(201, admin, "POST", G + "users/%s/appRoleAssignments" % user,
                  {"principalId": user, "appRoleId": role, "resourceId": application["id"]})

    def invite(self, who, drive, account, terms, kind="user"):
        """terms: {"roles": [...]} or {"@libre.graph.permissions.actions": [...]}, perhaps with an expirationDateTime."""
        return self.ask(who, "POST", BETA + "drives/%s/root/invite" % drive,
                        dict(terms, recipients=[{"objectId": account, "@libre.graph.recipient.type": kind}]))
