# SPDX-License-Identifier: Apache-2.0
"""What is measured, and how much of nginx's value each row should reach."""
import os
import statistics

import peers
import tools

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = {name: name for name in ("atoll", "nginx", "apache", "rclone")}
LIST = ('<propfind xmlns="DAV:"><prop><resourcetype/><getlastmodified/><getcontentlength/><getetag/><getcontenttype/>'
        '</prop></propfind>')
DESKTOP = ('<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:resourcetype/>'
           '<d:getlastmodified/><d:getcontentlength/><d:getetag/><oc:size/><oc:id/><oc:fileid/><oc:downloadURL/>'
           '<oc:permissions/><oc:checksums/><oc:share-types/><oc:data-fingerprint/></d:prop></d:propfind>')


class Row:
    """`aims`: how many times the value of `against` (its inverse, where less is better) must be reached, and is wished for.
    `most`: what may not be exceeded."""

    def __init__(self, title, unit, larger, *aims, against="nginx", most=None):
        self.title, self.unit, self.larger, self.aims = title, unit, larger, aims
        self.against, self.most = against, most
        self.values = {}  # column -> list

    def median(self, column):
        return statistics.median(self.values.get(column) or [float("nan")])


class Measurement:
    """One action that fills one or more rows. `servers`: column -> peer, `run(peer)`: a value for each row."""

    def __init__(self, rows, needs, run, servers=None):
        self.rows, self.needs, self.run, self.servers = rows, set(needs), run, servers or ALL


def one(row, needs, run, servers=None):
    return Measurement([row], needs, lambda peer: (run(peer),), servers)


def measurements(files, seconds):
    size = "%d MiB" % round(files.large_gib * 1024) if files.large_gib % 1 else "%d GiB" % files.large_gib
    tls = {"atoll": "atoll-tls", "nginx": "nginx-tls"}

    def get_large(peer):
        return tools.with_cpu(peer, files.large_gib, lambda: megabytes(tools.curl(peer, [peer.url + "large.bin"],
                                                                                  "speed_download")))

    def put_large(peer):
        os.sync()  # so that nobody pays for what others have left to be written
        return tools.with_cpu(peer, files.large_gib, lambda: megabytes(tools.curl(
            peer, ["-T", files.large, peer.url + "put/large.bin"], "speed_upload")))

    def megabytes(v):
        return v and v / (1 << 20)

    def put_small(connections, depth, servers, *aims):
        """Files of 4 KiB at the end of a chain of folders, of all connections in the same folder."""
        chain = peers.chain(depth)
        durable = "durable" if servers is ALL else "durability = crash"
        title = "PUT 4 KiB %s, %d connections, depth %d" % (durable, connections, depth)
        if connections == 1:
            title = "PUT 4 KiB durable, alone, depth %d" % depth

        def run(peer):
            names = "%s%s/%d-" % (peer.prefix, chain, next(files.rounds))  # of this round only: all files are new
            return tools.wrk(peer, connections, seconds, ["-s", os.path.join(HERE, "put.lua")], peer.url,
                             [names, peer.auth or "-"])
        return one(Row(title, "req/s", True, *aims, against="apache"), [chain], run, servers)

    def propfind(folder, body=LIST, what="time_total"):
        def run(peer):
            v = tools.curl(peer, ["-X", "PROPFIND", "-H", "Depth: 1", "-H", "Content-Type: application/xml", "--data", body,
                                  peer.url + folder + "/"], what)
            return v and v * 1000
        return run

    def propfinds(folder, body=LIST):
        return lambda peer: tools.wrk(peer, 4, seconds, ["-s", os.path.join(HERE, "propfind.lua")],
                                      peer.url + folder + "/", [body])

    def desktop(count, *aims):
        title, folder = "PROPFIND of %s, as desktop clients" % format(count, ","), "d%d" % count
        return [one(Row(title, "req/s", True, *aims, against="apache"), [folder], propfinds(folder, DESKTOP)),
                one(Row("  of one entry, alone", "us", False), [folder],
                    lambda peer: per_entry(propfind(folder, DESKTOP)(peer), count)),
                one(Row("  first byte", "ms", False, most=20), [folder],
                    propfind(folder, DESKTOP, "time_starttransfer"))]

    def root_check(connections):
        return lambda peer: tools.wrk(peer, connections, seconds, ["-s", os.path.join(HERE, "root.lua")],
                                      "http://127.0.0.1:%d" % peer.port, [peer.roots])

    def alone_us(v):
        return v and 1e6 / v

    roots = [one(Row("root etag check, one of %s spaces, 4 connections" % format(files.spaces, ","), "req/s", True),
                 ["roots"], root_check(4), {"atoll": "atoll-spaces"}),
             one(Row("  root etag check, alone", "us", False), ["roots"], lambda peer: alone_us(root_check(1)(peer)),
                 {"atoll": "atoll-spaces"})]

    def search_one(connections):
        return lambda peer: tools.wrk(peer, connections, seconds, ["-s", os.path.join(HERE, "search.lua")],
                                      "http://127.0.0.1:%d" % peer.port, [peer.search("").split(str(peer.port), 1)[1],
                                                                          str(files.accounts)])

    def search_many(peer):
        v = tools.curl(peer, ["-g", peer.search("einstein&$top=100")], "time_total")
        return v and v * 1000

    accounts = {"atoll": "atoll-accounts"}
    searches = [one(Row("user search among %s, one found, 4 connections" % format(files.accounts, ","), "req/s", True), ["accounts"],
                    search_one(4), accounts),
                one(Row("  user search, one found, alone", "us", False), ["accounts"], lambda peer: alone_us(search_one(1)(peer)),
                    accounts),
                one(Row("  user search, 100 of many found, alone", "ms", False), ["accounts"], search_many, accounts)]

    def per_entry(v, count):
        return v and v * 1000 / count

    def move(peer):
        def step(a, b):
            return tools.curl(peer, ["-X", "MOVE", "-H", "Destination: " + peer.url + b, peer.url + a], "time_total")
        v = step("d100000", "moved")
        step("moved", "d100000")
        return v and v * 1000

    def large(what, needs, run, servers, speed_aims, cpu_aims, direction):
        return Measurement([Row("%s %s" % (what[0], size) + what[1], "MB/s", True, *speed_aims),
                            Row("  CPU seconds per GiB " + direction, "s", False, *cpu_aims)], needs, run, servers)

    many = format(files.many, ",")
    listings = [row for count, aims in ((100, [10]), (1000, [10]), (10000, [5]), (100000, []))
                for row in desktop(count, *aims)]
    moves = one(Row("MOVE of a folder with 100,000 files", "ms", False), ["d100000"], move)
    return listings + [moves] + roots + searches + [
        one(Row("GET 4 KiB, 32 connections", "req/s", True, 0.5, 0.7), ["small"],
            lambda peer: tools.wrk(peer, 32, seconds, [], peer.url + "small.bin")),
        large(("GET", ""), ["large"], get_large, ALL, [0.95], [1 / 1.2], "sent"),
        large(("GET", " over TLS 1.3"), ["large"], get_large, tls, [0.9], [1 / 1.2], "sent over TLS"),
        *[put_small(connections, depth, ALL, *([0.7] if (connections, depth) == (16, 1) else []))
          for depth in (1, 10, 30) for connections in (1, 16, 64)],
        put_small(16, 1, {**ALL, "atoll": "atoll-crash"}, 1.0),
        large(("PUT", ", not durable, SHA-1"), ["put"], put_large, {"atoll": "atoll-sha1", "nginx": "nginx"}, [0.8], [],
              "received, SHA-1"),
        large(("PUT", ", not durable, 3 checksums"), ["put"], put_large, {"atoll": "atoll-none", "nginx": "nginx"}, [0.55],
              [], "received, 3 checksums"),
        large(("PUT", ", durable, 3 checksums"), ["put"], put_large, ALL, [], [], "received, durable"),
        one(Row("PROPFIND of 1,000, alone", "ms", False), ["d1000"], propfind("d1000")),
        one(Row("PROPFIND of 1,000, 4 connections", "req/s", True), ["d1000"], propfinds("d1000")),
        one(Row("PROPFIND of %s, alone" % many, "ms", False), ["d%d" % files.many], propfind("d%d" % files.many)),
        one(Row("PROPFIND of %s, 4 connections" % many, "req/s", True), ["d%d" % files.many], propfinds("d%d" % files.many)),
    ]
