#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random edits of the folders of two sync clients, and what must hold when both have synced.

    converge.py edit SEED ROUND LEDGER FOLDER...   changes every folder, and notes in LEDGER what was written where
    converge.py changed FOLDER LIMIT               ends as soon as FOLDER is another than at the start, or after LIMIT s
    converge.py retry FOLDER                       what failed is tried again by the next sync, not after half a minute
    converge.py compare FOLDER...                  names and bytes of all are the same, conflict copies aside
    converge.py kept LEDGER FOLDER...              what was written and nobody took away again is in one of the folders
"""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import sqlite3
import sys
import time

CONFLICT = "(conflicted copy"
OWN = (".sync_", "._sync_", ".owncloudsync", ".nextcloudsync")  # the clients' own files


def entries(folder):
    """(path, is a folder) of everything that a client syncs, sorted."""
    root = pathlib.Path(folder)
    found = []
    for path in root.rglob("*"):
        relative = path.relative_to(root)
        if not any(part.startswith(OWN) or CONFLICT in part for part in relative.parts):
            found.append((str(relative), path.is_dir()))
    return sorted(found)


def content(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def state(folder):
    return {name: "folder" if is_folder else content(os.path.join(folder, name)) for name, is_folder in entries(folder)}


class Editor:
    """What one person does between two syncs. Each file that is written gets words that no other file has."""

    def __init__(self, folder, who, chance, rounds):
        self.folder, self.who, self.chance, self.round, self.count = folder, who, chance, rounds, 0
        self.written = {}     # path: token
        self.touched = set()  # what this one renamed or took away, with all below

    def new_token(self, path):
        self.count += 1
        token = "token-%s-%d-%d." % (self.who, self.round, self.count)
        self.written[path] = token
        return token

    def forget(self, path):
        for one in [p for p in self.written if p == path or p.startswith(path + "/")]:
            del self.written[one]
        self.touched.add(path)

    def pick(self, folders):
        names = [name for name, is_folder in entries(self.folder) if is_folder == folders and name != "stays"]
        return self.chance.choice(names) if names else None

    def free_name(self, stem):
        folder = self.pick(True) if self.chance.random() < 0.7 else None
        self.count += 1
        # Both people choose from the same few names now and then.
        name = "%s%d" % (stem, self.chance.randrange(4)) if self.chance.random() < 0.15 else \
            "%s-%s-%d-%d" % (stem, self.who, self.round, self.count)
        path = os.path.join(folder, name) if folder else name
        return None if os.path.lexists(os.path.join(self.folder, path)) else path

    def at(self, path):
        return os.path.join(self.folder, path)

    def write(self, path):
        size = self.chance.choice([0, 10, 1000, 30000])
        with open(self.at(path), "w", encoding="ascii") as file:
            file.write(self.new_token(path) + "x" * size)

    def create(self):
        path = self.free_name("file")
        if path:
            self.write(path)

    def make_folder(self):
        path = self.free_name("folder")
        if path and path.count("/") < 6:
            os.mkdir(self.at(path))

    def change(self):
        path = self.pick(False)
        if path:
            self.write(path)

    def append(self):
        path = self.pick(False)
        if path:
            token = self.new_token(path)
            with open(self.at(path), "a", encoding="ascii") as file:
                file.write(token)

    def remove(self):
        path = self.pick(self.chance.random() < 0.2)
        if path:
            self.forget(path)
            for below, folders, files in os.walk(self.at(path), topdown=False):
                for name in files:
                    os.unlink(os.path.join(below, name))
                for name in folders:
                    os.rmdir(os.path.join(below, name))
            if os.path.isdir(self.at(path)):
                os.rmdir(self.at(path))
            else:
                os.unlink(self.at(path))

    def rename(self):
        folder = self.chance.random() < 0.4
        path, goal = self.pick(folder), self.free_name("goal" if folder else "moved")
        if path and goal and not goal.startswith(path + "/"):
            self.forget(path)
            os.rename(self.at(path), self.at(goal))

    def run(self, edits):
        for _ in range(edits):
            self.chance.choices([self.create, self.make_folder, self.change, self.append, self.remove, self.rename],
                                [30, 10, 20, 10, 12, 18])[0]()


def covers(touched, path):
    return any(path == one or path.startswith(one + "/") for one in touched)


def edit(seed, rounds, ledger, folders):
    editors = []
    for number, folder in enumerate(folders):
        editor = Editor(folder, "ab"[number], random.Random("%s %s %d" % (seed, rounds, number)), int(rounds))
        editor.run(12)
        editors.append(editor)
    # What the other one renamed or took away meanwhile has rules of the client's own.
    safe = [token for mine in editors for path, token in mine.written.items()
            if not any(covers(other.touched, path) for other in editors if other is not mine)]
    pathlib.Path(ledger).write_text(json.dumps(safe))


def changed(folder, limit):
    def look():
        return sorted((below, tuple(sorted(files))) for below, _, files in os.walk(folder))
    first, end = look(), time.monotonic() + float(limit)
    while look() == first and time.monotonic() < end:
        time.sleep(0.005)


def retry(folder):
    for journal in pathlib.Path(folder).glob(".sync_*.db"):
        with contextlib.closing(sqlite3.connect(journal)) as database, database:
            database.execute("DELETE FROM blacklist")


def compare(folders):
    states = [state(folder) for folder in folders]
    for folder, other in zip(folders[1:], states[1:]):
        if other != states[0]:
            for name in sorted(set(states[0]) | set(other)):
                if states[0].get(name) != other.get(name):
                    print("%s: %s in %s, %s in %s" % (name, states[0].get(name), folders[0], other.get(name), folder))
            return 1
    print("%d entries" % len(states[0]))
    return 0


def kept(ledger, folders):
    text = "".join(path.read_text("ascii") for folder in folders for path in pathlib.Path(folder).rglob("*")
                   if path.is_file() and not path.name.startswith(OWN))
    tokens = json.loads(pathlib.Path(ledger).read_text())
    lost = [token for token in tokens if token not in text]
    for token in lost:
        print("what was written is nowhere: " + token)
    print("%d of %d are there" % (len(tokens) - len(lost), len(tokens)))
    return 1 if lost else 0


def main():
    what, *rest = sys.argv[1:]
    if what == "edit":
        return edit(rest[0], rest[1], rest[2], rest[3:])
    if what == "changed":
        return changed(*rest)
    if what == "retry":
        return retry(*rest)
    return {"compare": compare, "kept": lambda all: kept(all[0], all[1:])}[what](rest)


if __name__ == "__main__":
    sys.exit(main())
