# SPDX-License-Identifier: ISC
"""Frames of others in every group that an address could have.

sweep.py DEVICE MAC SOURCE DESTINATION PORT KEY_NO: forged SYN1 to SYN4 from
SOURCE, each with another window: all 65,536 of them, as fast as can be, then
"swept" is printed, and it goes on with some thousands a second until it is
ended.
"""

import random
import socket
import sys
import time

import packets

PAUSE = 0.01  # seconds, after so many:
BURST = 100


def forged(kind, key_no):
    """A number that may be of a group: its length is that of 60 bits."""
    if kind == 0:
        return 2 << 29 | (int(time.time()) & 0x1FFFFFFF)
    if kind == 1:
        return 1 << 29 | 1 << 24 | key_no << 8 | random.getrandbits(8)
    if kind == 2:
        return 3 << 30 | random.getrandbits(30)
    return 2 << 30 | random.getrandbits(30)


def main():
    device, mac, src, dst, port, key_no = sys.argv[1:]
    kind = 0x86DD if ":" in src else 0x0800
    out = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    to = (device, kind, 0, 0, bytes.fromhex(mac.replace(":", "")))
    windows = list(range(65536))
    random.shuffle(windows)
    lap = 0
    while True:
        for i, window in enumerate(windows):
            seq = forged((i + lap) % 4, int(key_no))
            out.sendto(packets.build_tcp(
                src, dst, 1024 + random.getrandbits(15), int(port), seq,
                window=window), to)
            if lap > 0 and i % BURST == 0:
                time.sleep(PAUSE)
        if lap == 0:
            print("swept", flush=True)
        lap += 1


if __name__ == "__main__":
    main()
