#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `held-up` asserts of a running server while thousands of clients take their time."""
import argparse
import concurrent.futures
import hashlib
import re
import sys
import time

import crowd as crowds
import wire
from crowd import Problem

PROPFIND = (b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getetag/><getcontentlength/></prop>'
            b'</propfind>')


def memory(pid, field):
    """VmRSS or VmHWM in MiB."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"^%s:\s+(\d+) kB" % field, f.read(), re.M).group(1)) / 1024


def burst(crowd, tick, number, requests):
    """Small requests of somebody else, one after the other on one connection; each must succeed."""
    connection = wire.Connection(*crowd.peer)
    path = "%sburst-%d.bin" % (crowd.folder, number)
    for n in range(requests):
        body = crowds.content("%s/%d/%d" % (path, tick, n), 4096)
        for method, allowed, sent, fields in (("PUT", (201, 204), body, ()), ("GET", (200,), None, ()),
                                              ("PROPFIND", (207,), PROPFIND, ("Depth: 0",))):
            r = crowd.request(connection, method, path, sent, *fields)
            if r.status not in allowed:
                raise Problem("%s %s beside the crowd: %d %r" % (method, path, r.status, r.body[:300]))
            if method == "GET" and r.body != body:
                raise Problem("GET %s beside the crowd gave other bytes" % path)
    connection.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--metrics", type=int, required=True)
    p.add_argument("--pid", type=int, required=True)
    p.add_argument("--login", required=True)
    p.add_argument("--idle", type=int, default=10000)
    p.add_argument("--slow", type=int, default=100, help="downloads, and as many uploads")
    p.add_argument("--ticks", type=int, default=18)
    p.add_argument("--memory", type=int, default=150, metavar="MIB")
    a = p.parse_args()
    crowds.need_descriptors(a.idle + 2 * a.slow + crowds.SPARE_DESCRIPTORS)
    crowd = crowds.Crowd("127.0.0.1", a.port, a.login, "/remote.php/webdav/")
    metrics = crowds.Metrics(a.metrics)
    crowd.prepare()
    before = metrics.wait("no connection before the crowd", lambda m: m["atoll_http_connections_open"] == 0)
    print("-- before: %.0f MiB" % memory(a.pid, "VmRSS"))

    began = time.monotonic()
    crowd.open_idle(a.idle)
    print("-- %d idle connections: %.0f MiB, %.1f s" % (a.idle, memory(a.pid, "VmRSS"), time.monotonic() - began))
    crowd.open_slow(a.slow, a.slow)
    most = 0.0
    pool = concurrent.futures.ThreadPoolExecutor(8)
    next_tick = time.monotonic()
    for tick in range(a.ticks):
        crowd.tick()
        # While all slow ones are at work, no worker is. The condition comes true again after each of their moves.
        metrics.wait("no busy worker with %d slow transfers, tick %d" % (2 * a.slow, tick),
                     lambda m: m["atoll_http_workers_busy"] == 0 and
                     m["atoll_http_requests_active"] == 2 * a.slow and
                     m["atoll_http_connections_open"] >= a.idle + 2 * a.slow)
        if tick % 3 == 0:
            for done in [pool.submit(burst, crowd, tick, n, 4) for n in range(32)]:
                done.result()
        most = max(most, memory(a.pid, "VmRSS"))
        if most >= a.memory:
            raise Problem("the server has %.0f MiB resident in tick %d; %d are allowed" % (most, tick, a.memory))
        next_tick += 1
        time.sleep(max(0.0, next_tick - time.monotonic()))
    print("-- %d ticks: at most %.0f MiB seen, %.0f MiB at its peak" % (a.ticks, most, memory(a.pid, "VmHWM")))

    for one in crowd.downloads:
        if one.moved <= (a.ticks - 2) * crowds.STEP:
            raise Problem("download %d has moved %d bytes only" % (one.number, one.moved))
    now = metrics.read()
    for name in ("timeouts_total", "connections_reset_total", 'refused_total{reason="connections"}'):
        if now["atoll_http_" + name] != before["atoll_http_" + name]:
            raise Problem("%s grew by %d" % (name, now["atoll_http_" + name] - before["atoll_http_" + name]))
    if crowd.broken_idle():
        raise Problem("%d idle connections were closed by the server" % crowd.broken_idle())

    wanted = hashlib.sha256(crowds.content(crowd.large, crowds.download_size())).hexdigest()
    if crowd.downloads[-1].finish() != wanted:
        raise Problem("the download that was allowed to speed up has other bytes")
    finished = crowd.uploads[-3:]  # one of each kind
    check = wire.Connection(*crowd.peer)
    for upload in finished:
        if upload.finish() != 201:
            raise Problem("the upload %s that was allowed to speed up failed" % upload.path)
        if crowd.request(check, "GET", upload.path).body != upload.body:
            raise Problem("%s has other bytes than were sent" % upload.path)
    for upload in crowd.uploads[:-3]:
        if crowd.request(check, "HEAD", upload.path).status != 404:
            raise Problem("%s is there although it never ended" % upload.path)
    check.close()
    for sample in crowd.idle[:: max(1, a.idle // 100)]:  # each hundredth still works
        if crowd.request(sample, "GET", crowd.small).status != 200:
            raise Problem("an idle connection doesn't answer any more")

    crowd.close()
    metrics.wait("all gauges back at nothing", lambda m: all(
        m["atoll_http_" + name] == 0 for name in ("connections_open", "requests_active", "workers_busy")) and
        m.get("atoll_http_buffered_bytes", 0) == 0 and
        m["process_open_fds"] <= before["process_open_fds"] + 64)
    print("-- all gone: %.0f MiB" % memory(a.pid, "VmRSS"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Problem, wire.WireError, OSError) as e:
        sys.exit("FAILED: %s" % e)
