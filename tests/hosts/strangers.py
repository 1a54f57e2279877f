# SPDX-License-Identifier: ISC
"""strangers.py DEVICE MAC SRC DST PORT COUNT KIND...: SYNs of who has no key.

So many of each kind, a little apart: fewer in a second than a flood is.

any     any number, and any window
window  any number, all with one window
heads   as if a group began: a SYN1, a SYN2 of now
late    groups of an hour ago
groups  whole groups, in any order, of key 10 and of keys that are not
data    with data
"""

import random
import socket
import struct
import sys
import time

import packets

PACE = 0.0005


def group(seconds, key):
    """One with an authenticator of 60 bits, by who can't know it."""
    seqs = [2 << 29 | int(seconds) & 0x1FFFFFFF,
            1 << 29 | 1 << 24 | key << 8 | int(seconds * 256) & 255,
            3 << 30 | random.getrandbits(30), 2 << 30 | random.getrandbits(30),
            random.getrandbits(32)]
    random.shuffle(seqs)
    return seqs


def syns(kind, count):
    """Sequence numbers, windows, and data."""
    window = random.getrandbits(16)
    for _ in range(count):
        if kind == "any":
            yield random.getrandbits(32), random.getrandbits(16), b""
        elif kind == "window":
            yield random.getrandbits(32), window, b""
        elif kind == "heads":
            yield random.choice(group(time.time(), 10)[:4]), random.getrandbits(
                16), b""
        elif kind == "data":
            yield random.getrandbits(32), random.getrandbits(16), b"x"
        else:
            late = 3600 if kind == "late" else 0
            window = random.getrandbits(16)
            for seq in group(time.time() - late, random.choice([10, 11, 999])):
                yield seq, window, b""


def main():
    device, mac, src, dst, port, count = sys.argv[1:7]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((device, 0))
    ether = bytes.fromhex(mac.replace(":", "")) + wire.getsockname()[4]
    ether += struct.pack(">H", 0x86DD if ":" in dst else 0x0800)
    sent = 0
    for kind in sys.argv[7:]:
        for seq, window, data in syns(kind, int(count)):
            wire.send(ether + packets.build_tcp(
                src, dst, random.randrange(1024, 65536), int(port), seq,
                window=window, data=data))
            sent += 1
            time.sleep(PACE)
    print(sent)


main()
