# SPDX-License-Identifier: ISC
"""Connects again and again, and says how often it got in.

    connects.py HOST PORT SECONDS
"""

import socket
import sys
import time


def connect(host, port):
    """Whether something accepts, at once or not at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as out:
        out.settimeout(0.02)
        try:
            out.connect((host, port))
        except OSError:
            return False
        return True


def main():
    """For so many seconds."""
    host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    end = time.monotonic() + seconds
    tries = successes = 0
    while time.monotonic() < end:
        tries += 1
        successes += connect(host, port)
    print(f"{successes} of {tries}", flush=True)


main()
