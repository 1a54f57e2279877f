# SPDX-License-Identifier: ISC
"""Begins connections without end, as fast as it can, and gives each up.

usage: connects.py ADDRESS PORT
"""

import socket
import sys
import time

target = (sys.argv[1], int(sys.argv[2]))
family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
until = time.monotonic() + 60
print("ready", flush=True)
while time.monotonic() < until:
    for _ in range(500):
        with socket.socket(family, socket.SOCK_STREAM |
                           socket.SOCK_NONBLOCK) as sock:
            try:
                sock.connect(target)
            except OSError:
                pass
