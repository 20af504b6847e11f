# SPDX-License-Identifier: Apache-2.0
"""curl and wrk, as functions that give one number, or None when something failed."""
import re
import subprocess
import sys

import peers

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def complain(peer, what, text):
    print("   %s: %s: %s" % (peer.name, what, text.strip()[-400:]), file=sys.stderr)


def login(peer):
    return ["-H", "Authorization: " + peer.auth] if peer.auth else []


def curl(peer, arguments, what, quiet=False):
    """`what` is one of curl's numbers, for example time_total. `quiet`: a failure is no surprise."""
    tls = ["-k", "--tlsv1.3", "--tls13-ciphers", peers.CIPHER] if peer.tls else []
    done = subprocess.run(["curl", "-sS", "-f", "-o", "/dev/null", "-H", "Expect:", "-w", "%{" + what + "}"] + tls +
                          login(peer) + arguments, capture_output=True, text=True)
    if done.returncode:
        if not quiet:
            complain(peer, "curl", done.stderr)
        return None
    return float(done.stdout)


def _wrk(peer, connections, seconds, arguments, url, script_arguments):
    done = subprocess.run(["wrk", "-t%d" % min(2, connections), "-c%d" % connections, "-d%ds" % seconds] + login(peer) + arguments +
                          [url, "--"] + list(script_arguments), capture_output=True, text=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout or not re.search(r"Requests/sec:", done.stdout):
        complain(peer, "wrk", done.stdout + done.stderr)
        return None
    return done.stdout


def wrk(peer, connections, seconds, arguments, url, script_arguments=()):
    """Requests a second."""
    out = _wrk(peer, connections, seconds, arguments, url, script_arguments)
    return out and float(re.search(r"Requests/sec:\s*([0-9.]+)", out).group(1))


def p99(peer, connections, seconds, url):
    """Milliseconds that 99 of 100 requests take at most."""
    out = _wrk(peer, connections, seconds, ["--latency"], url, ())
    m = out and re.search(r"^\s*99%\s+([0-9.]+)(us|ms|s|m)$", out, re.M)
    return 1000 * float(m.group(1)) * SECONDS[m.group(2)] if m else None


def with_cpu(peer, gib, action):
    """(what the action gave, processor seconds of the server per GiB)"""
    before = peer.cpu()
    value = action()
    return (value, (peer.cpu() - before) / gib) if value is not None else (None, None)
