# SPDX-License-Identifier: Apache-2.0
"""The checks that a transcript can make on an answer, and those that hold for every answer."""
import hashlib
import json
import re
import urllib.parse
import xml.etree.ElementTree as ET

PREFIXES = {"d": "DAV:", "oc": "http://owncloud.org/ns", "s": "http://sabredav.org/ns"}
MULTISTATUS_TYPE = "application/xml; charset=utf-8"


class Mismatch(Exception):
    """What was expected and what came."""


def shorten(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "... (%d characters)" % len(text)


def compare(what, got, rule):
    """rule: '*', '-', '~ regex', '!~ regex', '= text', '!= text', 'has text', 'lacks text', '> n', '< n', or plain text."""
    if rule == "-":
        if got is not None:
            raise Mismatch("%s: expected to be absent, got %s" % (what, shorten(got)))
        return
    if got is None:
        raise Mismatch("%s: expected %s, but it is absent" % (what, rule))
    if rule == "*":
        return
    op, _, want = rule.partition(" ")
    want = want.strip()
    if op == "~":
        good = re.search(want, got) is not None
    elif op == "!~":
        good = re.search(want, got) is None
    elif op in ("=", "is"):
        good = got == want
    elif op == "!=":
        good = got != want
    elif op == "has":
        good = want in got
    elif op == "lacks":
        good = want not in got
    elif op in (">", "<"):
        try:
            good = float(got) > float(want) if op == ">" else float(got) < float(want)
        except ValueError:
            good = False
    else:
        good = got == rule
    if not good:
        raise Mismatch("%s: expected %s, got %s" % (what, rule, shorten(got)))


def parse_xml(body):
    try:
        return ET.fromstring(body)
    except ET.ParseError as e:
        raise Mismatch("body: not well-formed XML (%s): %s" % (e, shorten(body))) from e


class Answer:
    """A response with its parsed forms, made when they're first asked for."""

    def __init__(self, response, namespaces):
        self.response = response
        self.namespaces = {**PREFIXES, **namespaces}
        self._xml = self._json = None

    @property
    def text(self):
        return self.response.body.decode("utf-8", "surrogateescape")

    @property
    def xml(self):
        if self._xml is None:
            self._xml = parse_xml(self.response.body)
        return self._xml

    @property
    def json(self):
        if self._json is None:
            try:
                self._json = json.loads(self.response.body)
            except ValueError as e:
                raise Mismatch("body: not JSON: %s" % shorten(self.response.body)) from e
        return self._json

    def name(self, name):
        """'d:href' as ElementTree spells it."""
        prefix, colon, local = name.partition(":")
        if not colon:
            return name
        if prefix not in self.namespaces:
            raise Mismatch("the transcript uses the unknown prefix '%s'" % prefix)
        return "{%s}%s" % (self.namespaces[prefix], local)

    def flat(self, element):
        """An element's content as text; children as <prefix:name attribute="value">...</prefix:name>."""
        def spell(tag):
            if not tag.startswith("{"):
                return tag
            uri, local = tag[1:].split("}")
            for prefix, known in self.namespaces.items():
                if known == uri:
                    return prefix + ":" + local
            return "{%s}%s" % (uri, local)

        out = element.text or ""
        for child in element:
            attributes = "".join(' %s="%s"' % (spell(k), v) for k, v in sorted(child.attrib.items()))
            inner = self.flat(child)
            name = spell(child.tag)
            out += "<%s%s>%s</%s>" % (name, attributes, inner, name) if inner else "<%s%s/>" % (name, attributes)
            out += child.tail or ""
        return out if len(element) == 0 else out.strip()

    def find(self, path):
        """Elements at an ElementTree path that begins below the root element; '/name' names the root itself."""
        parts = re.sub(r"([A-Za-z0-9]+):([A-Za-z0-9._-]+)", lambda m: self.name(m.group(0)), path)
        if parts.startswith("/") and not parts.startswith("//"):
            return [self.xml] if self.xml.tag == parts[1:] else []
        return self.xml.findall("." + parts if parts.startswith("//") else parts)

    def prop(self, href, name):
        """(status line, element) of a property of one response; '.' is the first response."""
        wanted = normal(href)
        tag = self.name(name)
        for number, response in enumerate(self.xml.findall("{DAV:}response")):
            if (href == "." and number == 0) or normal(response.findtext("{DAV:}href") or "") == wanted:
                for propstat in response.findall("{DAV:}propstat"):
                    for element in propstat.findall("{DAV:}prop/" + tag):
                        return propstat.findtext("{DAV:}status") or "", element
                return None, None
        hrefs = [r.findtext("{DAV:}href") for r in self.xml.findall("{DAV:}response")]
        raise Mismatch("prop: no response for %s among %s" % (href, shorten(hrefs)))


def normal(href):
    return urllib.parse.unquote(re.sub(r"^https?://[^/]+", "", href.strip())).rstrip("/")


def words_of_error(answer):
    """The sentence for a human in an error's body."""
    kind = answer.response.get("Content-Type") or ""
    if "xml" in kind:
        for path in ("//s:message", "meta/message"):
            for element in answer.find(path):
                if (element.text or "").strip():
                    return element.text.strip()
        return ""
    if "json" in kind:
        value = answer.json
        for path in (("error", "message"), ("ocs", "meta", "message"), ("message",)):
            at = value
            for key in path:
                at = at.get(key) if isinstance(at, dict) else None
            if isinstance(at, str) and at:
                return at
        return ""
    return answer.text.strip()


def always(method, target, answer):
    """What holds for each answer of the server, whatever the transcript says."""
    response = answer.response
    if 300 <= response.status < 400 and response.status != 304:
        raise Mismatch("a redirect (%d to %s): clients refuse them" % (response.status, response.get("Location")))
    if response.status == 207:
        if response.get("Content-Type") != MULTISTATUS_TYPE:
            raise Mismatch("Content-Type: a 207 must say exactly '%s', got %r" % (MULTISTATUS_TYPE, response.get("Content-Type")))
        if answer.xml.tag != "{DAV:}multistatus":
            raise Mismatch("body: a 207 must hold d:multistatus, got %s" % answer.xml.tag)
        for element in answer.xml.iter("{DAV:}response"):
            if len(element) == 0 or element[0].tag != "{DAV:}href":
                raise Mismatch("d:href isn't the first child of d:response")
            href = element[0].text or ""
            if re.search(r"[^\x21-\x7e]", href):
                raise Mismatch("d:href isn't percent-encoded: %r" % href)
            path = target.split("?")[0]
            if method == "PROPFIND" and not normal(href).startswith(re.sub("/+", "/", normal(path))):
                raise Mismatch("d:href %r doesn't begin with the path asked for, %r" % (href, path))
        for element in answer.xml.iter("{DAV:}status"):
            if not re.match(r"HTTP/1\.1 [1-5][0-9][0-9]", element.text or ""):
                raise Mismatch("d:status must begin with 'HTTP/1.1 ', got %r" % element.text)
    if response.status >= 400 and method != "HEAD":
        sentence = words_of_error(answer)
        if len(sentence.split()) < 2:
            raise Mismatch("body: an error must carry a sentence (s:message), got %s" % shorten(response.body))
    etag = response.get("ETag")
    if etag is not None and response.status < 400 and not re.fullmatch(r'"[^"]{1,32}"', etag):
        raise Mismatch('ETag: expected "1 to 32 characters" in quotes, got %r' % etag)


def check(answer, text, expand):
    """One check line. Raises Mismatch."""
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    response = answer.response
    if word == "body":
        op, _, value = rest.partition(" ")
        if op == "empty":
            if response.body:
                raise Mismatch("body: expected none, got %s" % shorten(response.body))
        elif op == "size":
            compare("size of the body", str(len(response.body)), expand(value))
        elif op in ("sha1", "sha256", "md5"):
            compare(op + " of the body", hashlib.new(op, response.body).hexdigest(), expand(value))
        else:
            compare("body", answer.text, op + " " + expand(value))
    elif word == "xml":
        path, _, rule = rest.partition(" ")
        found = answer.find(expand(path))
        if rule.startswith("count "):
            compare("number of " + path, str(len(found)), expand(rule[6:]))
        else:
            compare("xml " + path, answer.flat(found[0]) if found else None, expand(rule) or "*")
    elif word == "prop":
        href, name, status, *rule = rest.split(" ", 3)
        line, element = answer.prop(expand(href), name)
        if status == "-":
            if element is not None:
                raise Mismatch("prop %s: expected to be absent, got %s" % (name, shorten(answer.flat(element))))
            return
        if element is None:
            raise Mismatch("prop %s: expected with status %s, but it is absent" % (name, status))
        if not line.startswith("HTTP/1.1 " + status):
            raise Mismatch("prop %s: expected status %s, got %r" % (name, status, line))
        if rule:
            compare("prop " + name, answer.flat(element), expand(rule[0]))
    elif word == "responses":
        compare("number of d:response", str(len(answer.xml.findall("{DAV:}response"))), expand(rest))
    elif word == "json":
        path, _, rule = rest.partition(" ")
        value = answer.json
        for key in path.split("."):
            if isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            elif isinstance(value, dict) and key in value:
                value = value[key]
            else:
                value = None
                break
        if isinstance(value, bool) or isinstance(value, (dict, list)):
            value = json.dumps(value)
        compare("json " + path, None if value is None else str(value), expand(rule) or "*")
    elif word == "error":
        compare("s:exception", next((e.text for e in answer.find("/d:error") and answer.find("//s:exception")), None),
                expand(rest) or "*")
        compare("s:message", next((e.text for e in answer.find("//s:message")), None), r"~ \w+ \w+")
    elif word == "sentence":
        compare("the error's sentence", words_of_error(answer), expand(rest))
    elif word == "interim":
        got = " ".join(str(s) for s in response.interim) or "none"
        compare("interim answers", got, expand(rest))
    else:
        name, _, rule = text.partition(":")
        compare(name, response.get(name), expand(rule.strip()))


def save(answer, text, expand):
    """'save NAME header ETag [regex]' and its like: (name, value)."""
    name, kind, *rest = text.split(None, 3)[1:]
    rest = " ".join(rest)
    if kind == "header":
        field, _, regex = rest.partition(" ")
        value = answer.response.get(field)
    elif kind == "body":
        value, regex = answer.text, rest
    elif kind == "prop":
        href, prop, *regex = rest.split(" ", 2)
        regex = regex[0] if regex else ""
        _, element = answer.prop(expand(href), prop)
        value = None if element is None else answer.flat(element)
    elif kind == "xml":
        path, _, regex = rest.partition(" ")
        found = answer.find(expand(path))
        value = answer.flat(found[0]) if found else None
    else:
        raise Mismatch("save: unknown source '%s'" % kind)
    if value is None:
        raise Mismatch("save %s: %s %s is absent" % (name, kind, rest))
    if regex:
        m = re.search(expand(regex), value)
        if not m:
            raise Mismatch("save %s: %s doesn't match %s" % (name, shorten(value), regex))
        value = m.group(1) if m.groups() else m.group(0)
    return name, value
