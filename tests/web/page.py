#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Uses the built-in page in a headless Chromium: page.py URL USER PASSWORD FOLDER-FOR-SCREENSHOTS FOLDER-FOR-FILES"""
import base64
import contextlib
import hashlib
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from browser import Browser  # noqa: E402

URL, USER, PASSWORD, SHOTS, WORK = sys.argv[1:6]
BASIC = "Basic " + base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode()
HOSTILE = ["<img src=x onerror=window.hacked=1>.txt", "\"><script>window.hacked=1<script>.txt", "javascript:window.hacked=1",
           "{{7*7}} ${7*7}.txt", "&lt;b&gt; %3Cb%3E.txt", "'; window.hacked=1; '.txt", "\u202egpj.exe", "Ä ö 漢字 🏝.txt",
           "l" * 200 + ".txt", "#hash?query&and.txt"]


def check(fine, what):
    if not fine:
        raise AssertionError(what)


def same(got, wanted, what):
    check(got == wanted, "%s: expected %r, got %r" % (what, wanted, got))


def ask(method, path, body=None, headers=None, login=BASIC):
    """(status, body) of a request beside the browser."""
    made = urllib.request.Request(URL + path, data=body, method=method, headers=dict(headers or {}, Authorization=login))
    try:
        with urllib.request.urlopen(made, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()


SPACE = next(d["id"] for d in json.loads(ask("GET", "/graph/v1.0/me/drives")[1])["value"] if d["driveType"] == "personal")


def dav(*names):
    return "/dav/spaces/" + "/".join(urllib.parse.quote(n, safe="") for n in (SPACE,) + names)


def put(body, *names):
    check(ask("PUT", dav(*names), body)[0] in (201, 204), "PUT %r" % (names,))


def content(*names):
    status, body = ask("GET", dav(*names))
    return body if status == 200 else status


class Page(Browser):
    def __init__(self, folder):
        super().__init__(folder)
        self.expected = []   # what may be complained about now
        self.rules = []      # (method, part of the URL, answer or "fail")
        self.paused = self.decide
        self.call("Fetch.enable", patterns=[{"urlPattern": "*/auth-app/*"}, {"urlPattern": "*/dav/*"}, {"urlPattern": "*/graph/*"}])

    def decide(self, p):
        request = p["request"]
        for method, part, answer in self.rules:
            if request["method"] == method and part in request["url"]:
                if callable(answer):
                    answer = answer(request)
                if answer == "fail":
                    return self.later("Fetch.failRequest", requestId=p["requestId"], errorReason="ConnectionReset")
                status, kind, body = answer
                return self.later("Fetch.fulfillRequest", requestId=p["requestId"], responseCode=status,
                                  responseHeaders=[{"name": "Content-Type", "value": kind}],
                                  body=base64.b64encode(body.encode()).decode())
        self.later("Fetch.continueRequest", requestId=p["requestId"])

    def later(self, method, **params):
        """Sends without waiting: this runs inside of another call."""
        self.number += 1
        data = json.dumps({"id": self.number, "method": method, "params": params, "sessionId": self.session}).encode() + b"\0"
        os.write(self.out, data)

    @contextlib.contextmanager
    def rule(self, *rule):
        self.rules.insert(0, rule)
        yield
        self.rules.remove(rule)

    @contextlib.contextmanager
    def may_complain(self, text):
        """What is provoked: the browser writes refused requests into its console."""
        yield
        self.run("1")
        self.complaints = [c for c in self.complaints if not re.search(text, c)]

    def names(self):
        return self.run("[...document.querySelectorAll('tbody .label')].map((e) => e.textContent)")

    def listed(self, *names):
        self.until("""(() => { const there = [...document.querySelectorAll('tbody .label')].map((e) => e.textContent);
            return %s.every((name) => there.includes(name)); })()""" % json.dumps(names), "listed: %r" % (names,))

    def gone(self, name):
        self.until("![...document.querySelectorAll('tbody .label')].some((e) => e.textContent === %s)" % json.dumps(name))

    def press(self, words):
        """Clicks the button with this label."""
        self.click('button[aria-label=%s]' % json.dumps(words))

    def answer(self, words):
        self.until("!!document.querySelector('dialog[open]')")
        self.run("[...document.querySelectorAll('dialog[open] button')].find((b) => b.textContent === %s).click()" % json.dumps(words))

    def focus_name(self):
        """What a screen reader would call the element that has the focus."""
        return self.run("""(() => { const e = document.activeElement;
            return e.getAttribute('aria-label') ?? (e.labels?.[0]?.textContent || e.querySelector?.('.label')?.textContent || e.textContent.trim()); })()""")

    def tab_to(self, name, most=60):
        for _ in range(most):
            if self.focus_name() == name:
                return
            self.key("Tab")
        raise AssertionError("%r is not reached by Tab" % name)

    def reopen(self):
        """Back to the spaces, and into the first one again. What was seen before is not there any more."""
        self.run("""document.querySelector('.grid')?.remove(); document.getElementById('folder-body').replaceChildren();
            location.hash = '#/'""")
        self.click(".grid a")

    def shoot(self, name):
        self.shot(os.path.join(SHOTS, name + ".png"))

    def fits(self, width):
        wide = self.run("document.documentElement.scrollWidth")
        check(wide <= width, "at %d px the page is %d px wide" % (width, wide))

    def named(self):
        """Every button, link and field has a name."""
        for node in self.call("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if not node.get("ignored") and role in ("button", "link", "textbox", "checkbox", "progressbar", "dialog", "table"):
                check(node.get("name", {}).get("value"), "a %s has no name" % role)

    def keeps_nothing(self):
        same(self.call("Network.getAllCookies")["cookies"], [], "cookies")
        same(self.run("""(async () => [document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,
            (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length, history.state])()"""),
             ["", 0, 0, 0, 0, 0, None], "what the browser keeps")

    def log_in(self):
        self.until("document.activeElement?.id === 'name'")
        self.write(USER)
        self.key("Tab")
        self.write(PASSWORD)
        self.key("Enter")
        self.until("document.querySelector('.grid a')")


def stand_in_for_tokens(page):
    """Where the server gives out no app tokens, this does, with what it would take as one."""
    def give(request):
        return (201, "application/json", json.dumps({"token": PASSWORD})) if request["headers"].get("Authorization") == BASIC else (
            401, "text/plain", "The user name or the password is wrong.")
    page.rules += [("POST", "/auth-app/tokens", give), ("DELETE", "/auth-app/tokens", (200, "text/plain", ""))]


def login(page):
    page.open(URL + "/")
    page.until("document.activeElement?.id === 'name'")
    page.shoot("login-light")
    page.dark(True)
    page.shoot("login-dark")
    page.dark(False)
    with page.may_complain("status of 401"):
        page.write(USER)
        page.key("Tab")
        page.write("wrong")
        page.key("Enter")
        page.until("!document.getElementById('login-notice').hidden")
        check("password is wrong" in page.run("document.getElementById('login-notice').textContent"), "a wrong password is told")
        same(page.run("document.getElementById('password').value"), "", "the password in the field")
        page.shoot("login-wrong")
    with page.rule("POST", "/auth-app/tokens", (404, "text/plain", "Nothing")), page.may_complain("status of 404"):
        page.write(PASSWORD)
        page.key("Enter")
        page.until("document.getElementById('login-notice').textContent.includes('no app tokens')")
    page.run("document.getElementById('name').value = ''; document.getElementById('name').focus()")
    with page.rule("GET", "/graph/", (503, "application/json", '{"error":{"code":"x","message":"Later."}}')), page.may_complain("status of 503"):
        page.write(USER)
        page.key("Tab")
        page.write(PASSWORD)
        page.key("Enter")
        page.until("document.querySelector('#spaces .panel.bad')")
        check("nothing is lost" in page.run("document.querySelector('#spaces .panel.bad').textContent"), "spaces that cannot be told")
    page.run("document.querySelector('.panel.bad button').click()")
    page.until("document.querySelector('.grid a')")
    page.named()
    page.shoot("spaces-light")
    same(page.run("document.title"), "Spaces – Atoll", "title")


def hostile(page):
    check(ask("MKCOL", dav("<b onclick=x>folder"))[0] == 201, "MKCOL")
    for name in HOSTILE:
        put(b"x", "<b onclick=x>folder", name)
    page.open(URL + "/")
    page.log_in()
    page.click(".grid a")
    page.listed("<b onclick=x>folder")
    page.run("[...document.querySelectorAll('a.entry')].find((e) => e.textContent.includes('<b onclick')).click()")
    page.listed(*HOSTILE)
    same(sorted(page.names()), sorted(HOSTILE), "hostile names")
    same(page.run("document.getElementById('folder-title').textContent"), "<b onclick=x>folder", "title of a hostile folder")
    page.press("Rename " + HOSTILE[0])
    page.until("document.querySelector('dialog[open]')")
    check(HOSTILE[0] in page.run("document.querySelector('dialog h2').textContent"), "a hostile name in a dialog")
    page.key("Escape")
    for index in (0, 9):
        page.press("Download " + HOSTILE[index])
    page.until("document.querySelectorAll('#transfers [data-ended=good]').length === 2")
    same(page.run("document.querySelectorAll('b, tbody img, tbody script').length"), 0, "elements that names made")
    same(page.run("typeof window.hacked"), "undefined", "scripts that names ran")
    page.size(360, 740, True)
    page.fits(360)
    page.shoot("hostile-360")
    page.size(1280, 860)
    page.press("Clear finished transfers")
    page.run("location.hash = '#/' + location.hash.split('/')[1]")
    page.listed("<b onclick=x>folder")
    check(ask("DELETE", dav("<b onclick=x>folder"))[0] == 204, "DELETE")


def files(page):
    local = {}
    for name, size in (("letter.txt", 700), ("island.bin", 3_000_000), ("empty.dat", 0)):
        local[name] = os.path.join(WORK, name)
        with open(local[name], "wb") as f:
            f.write(os.urandom(size))
        os.utime(local[name], (1_600_000_000, 1_600_000_000))
    data = {name: open(path, "rb").read() for name, path in local.items()}
    put(b"for the picture", "Notes from the reef.md")
    for name in ("Photos", "Charts", "Letters 2026"):
        check(ask("MKCOL", dav(name))[0] == 201, "MKCOL")
    page.choose_files("#files", list(local.values()))
    page.listed(*local)
    page.until("document.querySelectorAll('#transfers [data-ended=good]').length === 3")
    page.shoot("folder-light")
    for name in local:
        same(content(name), data[name], "uploaded " + name)
    page.named()

    # What is there stays there unless somebody says otherwise.
    page.press("Clear finished transfers")
    with open(local["letter.txt"], "wb") as f:
        f.write(b"another letter")
    with open(local["island.bin"], "wb") as f:
        f.write(data["island.bin"][::-1])
    with page.may_complain("status of (412|404)"):
        page.choose_files("#files", [local["letter.txt"]])
        page.until("document.querySelector('dialog[open]')")
        page.shoot("conflict-light")
        page.answer("Skip")
        page.until("document.querySelector('#transfers [data-ended=calm]')")
        same(content("letter.txt"), data["letter.txt"], "skipped")
        page.choose_files("#files", [local["letter.txt"], local["island.bin"]])
        page.until("document.querySelector('dialog[open]')")
        page.run("document.querySelector('dialog input[type=checkbox]').click()")
        page.answer("Keep both")
        page.listed("letter (2).txt", "island (2).bin")
        same(content("letter (2).txt"), b"another letter", "kept both")
        same(content("island.bin"), data["island.bin"], "kept both")
        same(content("island (2).bin"), data["island.bin"][::-1], "kept both")
        page.choose_files("#files", [local["letter.txt"]])
        page.answer("Replace")
        page.until("[...document.querySelectorAll('#transfers .state')].some((e) => e.textContent.includes('replaced'))")
        same(content("letter.txt"), b"another letter", "replaced")
    page.press("Clear finished transfers")

    dropped = os.path.join(WORK, "dropped.txt")
    with open(dropped, "wb") as f:
        f.write(b"dropped")
    page.drop_files([dropped], 600, 400)
    page.listed("dropped.txt")
    same(content("dropped.txt"), b"dropped", "dropped")

    page.press("Download island.bin")
    with open(page.wait_for_download("island.bin"), "rb") as f:
        same(f.read(), data["island.bin"], "downloaded")


def large_download(page):
    """Goes to the disk as it comes, where the browser has a dialog for that."""
    large = os.urandom(1 << 20) * 33
    put(large, "large.bin")
    page.run("""window.showSaveFilePicker = async ({suggestedName}) => ({createWritable: async () => {
        window.saved = {name: suggestedName, length: 0, parts: []};
        return new WritableStream({write(chunk) { saved.length += chunk.byteLength; saved.parts.push(chunk.slice()); },
                                   close() { saved.closed = true; }, abort() { saved.aborted = true; }});
      }});
      window.blobs = 0;
      const blob = Response.prototype.blob;
      Response.prototype.blob = function() { ++blobs; return blob.call(this); };""")
    page.reopen()
    page.listed("large.bin")
    page.press("Download large.bin")
    page.until("window.saved?.closed")
    same(page.run("[saved.name, saved.length, blobs]"), ["large.bin", len(large), 0], "streamed")
    same(page.run("""new Blob(saved.parts).arrayBuffer().then((all) => crypto.subtle.digest('SHA-256', all)).then((sum) =>
        [...new Uint8Array(sum)].map((b) => b.toString(16).padStart(2, '0')).join(''))"""),
         hashlib.sha256(large).hexdigest(), "streamed content")
    page.run("delete window.saved; delete window.showSaveFilePicker")
    check(ask("DELETE", dav("large.bin"))[0] == 204, "DELETE")
    page.press("Clear finished transfers")


def by_mouse(page):
    page.reopen()
    page.listed("letter.txt")
    page.click("#new-folder")
    page.until("document.activeElement?.matches('dialog input')")
    page.write("Charts")
    page.answer("Make folder")
    page.until("document.querySelector('dialog .notice')?.textContent.includes('already there')")
    page.run("document.querySelector('dialog input').select()")
    page.write("Lagoon")
    page.shoot("new-folder-light")
    page.answer("Make folder")
    page.listed("Lagoon")
    page.press("Rename letter (2).txt")
    page.until("document.activeElement?.matches('dialog input')")
    page.run("document.querySelector('dialog input').select()")
    page.write("second.txt")
    page.answer("Rename")
    page.listed("second.txt")
    same((content("letter (2).txt"), content("second.txt")), (404, b"another letter"), "renamed")
    page.press("Delete second.txt")
    page.until("document.querySelector('dialog[open]')")
    page.shoot("delete-light")
    page.answer("Keep")
    page.press("Delete second.txt")
    page.answer("Delete")
    page.gone("second.txt")
    same(content("second.txt"), 404, "deleted")


def by_keyboard(page):
    """From login to log-out without a mouse."""
    page.open(URL + "/")
    page.until("document.activeElement?.id === 'name'")
    page.log_in()
    page.key("Tab")
    check("Your own files" in page.focus_name() or "Project" in page.focus_name(), "the first Tab goes to a space: " + page.focus_name())
    check(page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", "the focus is not seen")
    page.key("Enter")
    page.listed("letter.txt", "Lagoon")
    page.tab_to("New folder")
    page.key("Enter")
    page.until("document.activeElement?.matches('dialog input')")
    page.write("Keys")
    page.key("Enter")
    page.listed("Keys")
    page.until("document.activeElement?.querySelector?.('.label')?.textContent === 'Keys'")
    page.key("F2")
    page.until("document.activeElement?.matches('dialog input')")
    page.write("Quays")
    page.key("Enter")
    page.until("document.activeElement?.querySelector?.('.label')?.textContent === 'Quays'")
    page.key("Enter")
    page.until("document.querySelector('#folder .calm')?.textContent.includes('This folder is empty')")
    page.until("document.activeElement?.id === 'folder-title'")
    page.call("Page.navigateToHistoryEntry", entryId=page.call("Page.getNavigationHistory")["entries"][-2]["id"])
    page.listed("Quays")
    page.tab_to("letter.txt")
    page.key("Home")
    same(page.focus_name(), "Charts", "Home")
    page.key("ArrowDown")
    same(page.focus_name(), "Lagoon", "arrow down")
    page.tab_to("Quays")
    page.key("Delete")
    page.until("document.querySelector('dialog[open]')")
    same(page.focus_name(), "Keep", "what Enter would do at first")
    page.key("Tab")
    page.key("Enter")
    page.gone("Quays")
    page.until("document.activeElement?.closest('tbody')")
    page.tab_to("dropped.txt")
    page.key("Enter")
    page.wait_for_download("dropped.txt")
    page.key("Backspace")
    page.until("!document.getElementById('spaces').hidden && document.querySelector('.grid a')")


def failures(page):
    page.click(".grid a")
    page.listed("letter.txt")
    broken = [(503, "application/xml", '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:message>The disk is away.</s:message></d:error>'),
              (500, "text/plain", "x"), (403, "application/xml", "<x/>"), (404, "application/xml", "<x/>"), (507, "text/plain", ""),
              (200, "text/html", "<html>A login page of somebody else</html>"), (207, "application/xml", ""), (207, "application/xml", "<broken"),
              (207, "application/xml", '<d:multistatus xmlns:d="DAV:"/>'),
              (207, "application/xml", '<d:multistatus xmlns:d="DAV:"><d:response><d:href>/dav/spaces/x/</d:href><d:status>HTTP/1.1 503 x</d:status></d:response></d:multistatus>'),
              "fail"]
    for answer in broken:
        with page.rule("PROPFIND", "/dav/", answer), page.may_complain("status of [45]|ERR_CONNECTION|style-src"):  # how the browser shows broken XML
            page.reopen()
            page.until("document.querySelector('#folder-body .panel.bad')", "an error for %r" % (answer,))
            words = page.run("document.querySelector('#folder-body').innerText")
            check("empty" not in words and "could not be listed" in words, "%r: %s" % (answer, words))
            if answer == broken[0]:
                page.shoot("error-light")
                page.dark(True)
                page.size(360, 740, True)
                page.fits(360)
                page.shoot("error-dark-360")
                page.size(1280, 860)
                page.dark(False)
    page.run("document.querySelector('.panel.bad button').click()")
    page.listed("letter.txt")
    # A change that fails says so, and the list stays.
    with page.rule("MOVE", "/dav/", (423, "application/xml", "<x/>")), page.may_complain("status of 423"):
        page.press("Rename letter.txt")
        page.until("document.activeElement?.matches('dialog input')")
        page.write("x.txt")
        page.answer("Rename")
        page.until("document.querySelector('dialog h2')?.textContent.includes('could not be renamed')")
        page.shoot("locked-light")
        page.answer("Close")
    page.listed("letter.txt")
    with page.rule("PUT", "/dav/", "fail"), page.may_complain("ERR_CONNECTION"):
        page.choose_files("#files", [os.path.join(WORK, "empty.dat"), os.path.join(WORK, "dropped.txt")])
        page.until("document.querySelectorAll('#transfers [data-ended=bad]').length === 2")
        check("connection" in page.run("document.querySelector('#transfers .bad').textContent"), "a broken upload is told")
    # A body that is shorter than announced is no download.
    page.run("document.querySelectorAll('#transfers button').forEach((b) => b.click())")
    with page.rule("GET", "/letter.txt", "fail"), page.may_complain("ERR_|TypeError"):
        page.press("Download letter.txt")
        page.until("document.querySelector('#transfers [data-ended=bad]')")
    # The server takes the login no more.
    with page.rule("PROPFIND", "/dav/", (401, "text/plain", "no")), page.may_complain("status of 401"):
        page.reopen()
        page.until("!document.getElementById('login').hidden")
        check("has ended" in page.run("document.getElementById('login-notice').textContent"), "the end of a login is told")
        check("letter.txt" not in page.run("document.body.innerText"), "names are seen after the end of a login")


def small(page):
    page.run("location.hash = ''")
    page.open(URL + "/")
    page.size(360, 740, True)
    page.fits(360)
    page.shoot("login-360")
    page.log_in()
    page.fits(360)
    page.shoot("spaces-360")
    page.dark(True)
    page.click(".grid a")
    page.listed("letter.txt")
    page.fits(360)
    page.shoot("folder-dark-360")
    page.press("Delete letter.txt")
    page.until("document.querySelector('dialog[open]')")
    page.shoot("delete-dark-360")
    page.answer("Keep")
    page.choose_files("#files", [os.path.join(WORK, "island.bin")])
    page.until("document.querySelector('dialog[open]')")
    page.answer("Replace")
    page.until("document.querySelector('#transfers [data-ended=good]')")
    page.shoot("transfers-dark-360")
    page.size(1280, 860)
    page.shoot("folder-dark")
    page.dark(False)


def log_out(page):
    page.keeps_nothing()
    page.requests.clear()
    page.click("#logout")
    page.until("!document.getElementById('login').hidden")
    deleted = [url for method, url in page.requests if method == "DELETE" and "/auth-app/tokens" in url]
    same(len(deleted), 1, "tokens deleted")
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(deleted[0]).query)["token"][0]
    if token != PASSWORD:
        login_of_token = "Basic " + base64.b64encode(("%s:%s" % (USER, token)).encode()).decode()
        deadline = time.monotonic() + 240
        while ask("PROPFIND", dav(), headers={"Depth": "0"}, login=login_of_token)[0] != 401:
            check(time.monotonic() < deadline, "the token lives on after the log-out")
    check("letter.txt" not in page.run("document.body.innerText"), "names are seen after the log-out")
    page.keeps_nothing()


def main():
    os.makedirs(SHOTS, exist_ok=True)
    page = Page(WORK)
    try:
        if ask("GET", "/auth-app/tokens")[0] == 404:
            stand_in_for_tokens(page)
        for step in (login, hostile, files, large_download, by_mouse, by_keyboard, failures, small, log_out):
            try:
                with page.may_complain("status of 404.*/dav/"):  # asked for whether a name is free
                    step(page)
            except Exception as e:
                page.shoot("failed")
                raise AssertionError("%s: %s\ncomplaints: %s" % (step.__name__, e, page.complaints)) from e
            same(page.complaints, [], step.__name__ + ": complaints of the browser")
        away = [url for _, url in page.requests if not url.startswith((URL, "blob:", "about:"))]
        same(away, [], "requests to others")
    finally:
        page.close()
    print("%d screenshots in %s" % (len([n for n in os.listdir(SHOTS) if n.endswith(".png")]), SHOTS))


if __name__ == "__main__":
    main()
