# SPDX-License-Identifier: Apache-2.0
"""How long small requests take while thousands of others take their time, or while a storage provider hangs."""
import os
import subprocess
import sys

import peers
import tools

LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "load")
HOLD = [sys.executable, os.path.join(LOAD, "crowd.py")]
AIM = 2.0  # times the value without them


class Held:
    """A program that holds a load on a server from its "ready" until its input ends."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline().strip()
        if self.said != "ready":
            self.end()
            raise peers.Unavailable(self.said or "the load could not be started")

    def end(self):
        """The last thing that it said: "done" when all went well."""
        said = self.process.communicate("")[0].strip()
        return said or self.said


class Crowd:
    title = "10,000 idle, 100 + 100 at 1 KiB/s"

    def __init__(self, files, build):
        self.peer = peers.Atoll(files, build, "atoll-crowd")

    def prepare(self):
        self.peer.ready(["small"])

    def hold(self):
        return Held(HOLD + ["--port", str(self.peer.port), "--login", "admin:" + peers.PASSWORD])

    def release(self):
        pass


class Hanging:
    title = "200 clients of a provider that hangs"

    def __init__(self, files, build):
        driver = os.path.join(build, "tests/load/hanging.so")
        self.gate = os.path.join(files.work, "gate")
        far = "[storage:far]\nplugin = %s\ngate = %s\n" % (driver, self.gate)
        self.peer = peers.Atoll(files, build, "atoll-hanging", {"more": far, "[server]": "drain_timeout = 1s"})
        self.far = driver if os.path.exists(driver) else None

    def prepare(self):
        if not self.far:
            raise peers.Unavailable("the driver is not built: cmake --build ... --target hanging")
        if self.peer.running():
            return
        peers.write(self.gate, "")
        self.peer.ready(["small"])  # the admin's space is now at the first provider
        self.peer.stop()
        self.peer.sections = {name: text for name, text in self.peer.sections.items() if name != "[storage:home]"}
        self.peer.settings["more"] += "\n[storage:home]\nplugin = storage-posix\n"  # from now on new ones are at the other
        self.peer.start()
        self.peer.add_user("far")

    def hold(self):
        login = "far:" + peers.PASSWORD
        return Held([sys.executable, os.path.join(LOAD, "askers.py"), "--port", str(self.peer.port), "--login", login,
                     "--gate", self.gate])

    def release(self):
        peers.write(self.gate, "")


def measure(case, seconds, rounds):
    """([ms alone], [ms beside]), one of each in turn."""
    alone, beside = [], []
    case.prepare()
    url = case.peer.url + "small.bin"
    tools.p99(case.peer, 32, 1, url)  # warm
    for _ in range(rounds):
        alone.append(tools.p99(case.peer, 32, seconds, url))
        held = case.hold()
        try:
            value = tools.p99(case.peer, 32, seconds, url)
        finally:
            case.release()
            said = held.end()
        if said != "done":
            raise peers.Unavailable(said)
        beside.append(value)
    return [v for v in alone if v is not None], [v for v in beside if v is not None]
