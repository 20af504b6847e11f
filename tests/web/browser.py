# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium over its debugging pipe: pages, keys, files, and all that it complains about."""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time


class BrowserError(Exception):
    pass


KEYS = {  # name: (code, virtual key, text)
    "Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), "Escape": ("Escape", 27, ""), "Delete": ("Delete", 46, ""),
    "Backspace": ("Backspace", 8, ""), "F2": ("F2", 113, ""), "ArrowDown": ("ArrowDown", 40, ""), "ArrowUp": ("ArrowUp", 38, ""),
    "Home": ("Home", 36, ""), "End": ("End", 35, ""), " ": ("Space", 32, " ")}


class Browser:
    """One browser with one page. `complaints` are console errors, exceptions and reports of the policy; `requests` (method, URL)."""

    def __init__(self, folder, timeout=240):
        self.timeout = timeout
        self.downloads = os.path.join(folder, "downloads")
        os.makedirs(self.downloads)
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()

        def descriptors():
            os.dup2(to_browser, 13)
            os.dup2(from_browser, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)
            os.setsid()

        program = shutil.which("chromium")
        if not program:
            raise BrowserError("chromium is missing; tools/test installs it (see tools/packages)")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--disable-extensions", "--password-store=basic", "--lang=en-GB",
             "--user-data-dir=" + os.path.join(folder, "profile"), "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(os.path.join(folder, "chromium.log"), "wb"))
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session = b"", 0, None
        self.answers, self.complaints, self.requests, self.finished = {}, [], [], {}
        self.paused = None  # called with each request that Fetch holds
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "Audits", "Accessibility"):
            self.call(domain + ".enable")
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=self.downloads, eventsEnabled=True)
        self.size(1280, 860)

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.out)
        os.close(self.into)

    # ---- the pipe
    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        number = self.number
        deadline = time.monotonic() + self.timeout
        while number not in self.answers:
            self.pump(deadline)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise BrowserError("%s: %s" % (method, answer["error"].get("message")))
        return answer.get("result", {})

    def pump(self, deadline):
        """Takes what the browser says next; fails after the deadline."""
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.into], [], [], left)[0]:
                raise BrowserError("the browser says nothing for %s s" % self.timeout)
            data = os.read(self.into, 1 << 20)
            if not data:
                raise BrowserError("the browser is gone")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        if "id" in message:
            self.answers[message["id"]] = message
            return
        self.event(message["method"], message.get("params", {}))

    def event(self, name, p):
        if name == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.complaints.append("console: " + " ".join(str(a.get("value", a.get("description"))) for a in p["args"]))
        elif name == "Runtime.exceptionThrown":
            d = p["exceptionDetails"]
            self.complaints.append("exception: %s %s" % (d.get("text"), d.get("exception", {}).get("description", "")))
        elif name == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            self.complaints.append("%s: %s %s" % (p["entry"]["source"], p["entry"]["text"], p["entry"].get("url", "")))
        elif name == "Audits.issueAdded" and "ContentSecurityPolicy" in p["issue"]["code"]:
            self.complaints.append("policy: " + json.dumps(p["issue"]["details"]))
        elif name == "Network.requestWillBeSent":
            self.requests.append((p["request"]["method"], p["request"]["url"]))
        elif name == "Browser.downloadWillBegin":
            self.finished[p["guid"]] = [p["suggestedFilename"], "begun"]
        elif name == "Browser.downloadProgress" and p["guid"] in self.finished:
            self.finished[p["guid"]][1] = p["state"]
        elif name == "Fetch.requestPaused" and self.paused:
            self.paused(p)

    # ---- the page
    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script):
        """The value of an expression, promises awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise BrowserError("%s in %s" % (answer["exceptionDetails"].get("exception", {}).get("description"), script))
        return answer["result"].get("value")

    def until(self, script, what=None):
        """Waits until the expression is true; gives its value."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                value = self.run("((value) => value instanceof Node ? true : value)(%s)" % script)
            except BrowserError:  # between two pages
                value = None
            if value:
                return value
            if time.monotonic() > deadline:
                raise BrowserError("never true: %s\n%s" % (what or script, self.run("document.body.innerText")))
            time.sleep(0.02)

    def wait_for_download(self, name):
        deadline = time.monotonic() + self.timeout
        while not any(n == name and state == "completed" for n, state in self.finished.values()):
            self.pump(deadline)
        return os.path.join(self.downloads, name)

    def size(self, width, height, touch=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)

    def dark(self, dark):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def shot(self, path):
        # two frames: what was asked for last is drawn
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.run("Promise.allSettled(document.getAnimations().map((animation) => animation.finished)).then(() => 1)")
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    # ---- hands
    def key(self, name, shift=False):
        code, number, text = KEYS[name]
        common = {"key": name, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def write(self, text):
        self.call("Input.insertText", text=text)

    def click(self, selector):
        """Clicks in the middle of what the selector finds, as a mouse does."""
        box = self.until("""(() => { const e = document.querySelector(%s); if (!e) return null;
            e.scrollIntoView({block: "center"}); const b = e.getBoundingClientRect();
            return b.width > 0 ? {x: b.x + b.width / 2, y: b.y + b.height / 2} : null; })()""" % json.dumps(selector), selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box["x"], y=box["y"], button="left", clickCount=1)

    def choose_files(self, selector, paths):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=paths)

    def drop_files(self, paths, x, y):
        data = {"items": [], "files": paths, "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)
