#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make_tree.py DIR COUNT [plain]: a tree of COUNT files whose names, sizes and times are odd, the same on each run."""
import os
import random
import sys

ODD = ["blank in name", " leading", "percent %41 100%", "hash #1", "question ?", "plus + and & and =", "grüße", "日本語",
       "🐚 shell", "quote ' and \"", "brackets [1] (2) {3}", "semi;colon, comma", "a" * 200, ".hidden", "at@sign",
       "tilde~", "dollar $x", "star *", "caret ^", "pipe |", "less < more >", "colon :", "exclaim !", "-dash", "dots...x",
       "e\u0301 decomposed", "Ω", "back`tick", "UPPER", "under_score", "Привет мир", "שלום", "percent%2Fslash", "tab-less"]
SIZES = [0, 1, 2, 100, 1023, 4096, 4097, 10000, 65536, 200000]

top, count = sys.argv[1], int(sys.argv[2])
plain = len(sys.argv) > 3
seed = 20221122
rng = random.Random(seed)
folders = ["", "sub", "sub/deeper", "sub/deeper/deepest"] + ([] if plain else ["ordner mit blank", "sub/größe %20", "日本", "sub/#1"])
for n in range(count):
    folder = folders[n % len(folders)]
    name = "%04d.txt" % n if plain or n % 2 else "%04d %s" % (n, ODD[(n // 2) % len(ODD)])
    path = os.path.join(top, folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(rng.randbytes(SIZES[n % len(SIZES)]))
    os.utime(path, (1500000000 + n * 1000, 1500000000 + n * 1000))
os.makedirs(os.path.join(top, "empty folder"), exist_ok=True)
