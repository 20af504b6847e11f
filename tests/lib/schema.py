# SPDX-License-Identifier: Apache-2.0
"""Whether a JSON answer of the Graph API or of the settings is what tests/schemas/graph.json says (that file explains itself).

check(method, path, status, content_type, body) raises Mismatch. Every answer of the Graph API has a place there; a key that is
not listed is wrong, an annotation (with an @ in it) too unless it is listed.
"""
import json
import os
import re

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "schemas", "graph.json"), encoding="utf-8") as f:
    SCHEMA = json.load(f)
ANSWERS = [(methods.split(), re.compile(path if path.startswith("/api") else "/graph" + path), kind)
           for methods, path, kind in SCHEMA["answers"]]
PLAIN = {"text": lambda v: isinstance(v, str), "words": lambda v: isinstance(v, str) and v.strip() != "",
         "bool": lambda v: isinstance(v, bool), "any": lambda v: True,
         "size": lambda v: isinstance(v, int) and not isinstance(v, bool) and 0 <= v < 1 << 63}


class Mismatch(Exception):
    pass


def kind_known(kind):
    kind = kind[0] if isinstance(kind, list) else kind
    return kind in PLAIN or any(kind in SCHEMA[part] for part in ("patterns", "values", "objects"))


for _name, _keys in SCHEMA["objects"].items():
    for _key, _kind in _keys.items():
        assert kind_known(_kind), "graph.json: %s.%s is of no known kind" % (_name, _key)


def check_value(value, kind, where, partial=False):
    """partial: keys may be missing here, for the request has chosen some."""
    def wrong(text):
        raise Mismatch("%s: %s" % (where or "the answer", text))

    if isinstance(kind, list):
        if not isinstance(value, list):
            wrong("no list")
        for i, one in enumerate(value):
            check_value(one, kind[0], "%s[%d]" % (where, i), partial)
    elif kind in PLAIN:
        if not PLAIN[kind](value):
            wrong("%r is no %s" % (value, kind))
    elif kind in SCHEMA["patterns"]:
        if not isinstance(value, str) or not re.fullmatch(SCHEMA["patterns"][kind], value):
            wrong("%r is no %s" % (value, kind))
    elif kind in SCHEMA["values"]:
        if value not in SCHEMA["values"][kind]:
            wrong("%r is none of %s" % (value, ", ".join(SCHEMA["values"][kind])))
    else:
        if not isinstance(value, dict):
            wrong("no object")
        keys = SCHEMA["objects"][kind]
        for key, inner in keys.items():
            name = key.rstrip("!")
            if name in value:
                check_value(value[name], inner, where + "." + name if where else name, partial and name == "value")
            elif key.endswith("!") and not (partial and name != "value"):
                wrong("'%s' is missing" % name)
        for name in value:
            if name not in keys and name + "!" not in keys:
                wrong("'%s' is not known here" % name)


def unique(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise Mismatch("a key comes twice: %s" % [name for name, _ in pairs])
    return out


def check(method, path, status, content_type, body):
    path, _, query = path.partition("?")
    path = re.sub("/{2,}", "/", path).rstrip("/")
    settings = path.startswith("/api/v0/settings/")
    if not re.match("/graph/v1(.0|beta1)(/|$)", path) and not settings:
        return
    if status == 204 or method == "HEAD":
        if body:
            raise Mismatch("a body with %d" % status)
        return
    if not body and (status < 300 or settings):
        return
    if content_type != "application/json; charset=utf-8":
        raise Mismatch("Content-Type: %r" % content_type)
    value = json.loads(body, object_pairs_hook=unique)
    if status >= 400:
        return check_value(value, "settingsError" if settings else "failure", "")
    for methods, pattern, kind in ANSWERS:
        if method in methods and pattern.fullmatch(path):
            return check_value(value, kind, "", "select=" in query)
    if not settings:
        raise Mismatch("tests/schemas/graph.json has no place for the answer of %s %s" % (method, path))


def self_test():
    """Each of these is wrong, and is found."""
    drive = {"id": "1" * 8 + "-1111-4111-8111-" + "1" * 12}
    drive["id"] += "$" + drive["id"]
    failure = {"error": {"code": "invalidRequest", "message": "No."}}

    def found(*answer):
        try:
            check(*answer)
        except (Mismatch, ValueError):
            return True
        return False

    kind = "application/json; charset=utf-8"
    assert not found("GET", "/graph/v1.0/me", 400, kind, json.dumps(failure))
    assert not found("GET", "/graph/v1.0/me/drives?$select=id", 200, kind, json.dumps({"value": [drive]}))
    for answer in (("GET", "/graph/v1.0/me/drives", 200, kind, json.dumps({"value": [drive]})),  # keys are missing
                   ("GET", "/graph/v1.0/me/drives?$select=id", 200, kind, json.dumps({"value": [dict(drive, x=1)]})),
                   ("GET", "/graph/v1.0/me/drives?$select=id", 200, kind, json.dumps({"value": [{"id": "x"}]})),
                   ("GET", "/graph/v1.0/me/drives?$select=id", 200, kind, json.dumps({})),
                   ("GET", "/graph/v1.0/me/drives", 200, "text/html", "{}"),
                   ("GET", "/graph/v1.0/me", 400, kind, json.dumps({"error": {"code": "what", "message": "No."}})),
                   ("GET", "/graph/v1.0/me", 400, kind, json.dumps({"error": {"code": "invalidRequest", "message": ""}})),
                   ("GET", "/graph/v1.0/me", 400, kind, '{"error":1,"error":{"code":"invalidRequest","message":"No."}}'),
                   ("GET", "/graph/v1.0/unknown", 200, kind, "{}"), ("DELETE", "/graph/v1.0/me", 204, None, "x")):
        assert found(*answer), answer


if __name__ == "__main__":
    self_test()
