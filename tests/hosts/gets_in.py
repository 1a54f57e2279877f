# SPDX-License-Identifier: ISC
"""Connects again and again, and says how often it got in.

    gets_in.py HOST PORT SECONDS [TEXT]

With TEXT it asks for the page, and counts those that have that.
"""

import socket
import sys
import time


def connect(host, port, text):
    """Whether something accepts, at once or not at all, and is that."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as out:
        out.settimeout(0.02)
        try:
            out.connect((host, port))
            if text:
                out.settimeout(1)
                out.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return text in out.makefile().read()
        except OSError:
            return False
        return True


def main():
    """For so many seconds."""
    host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    text = sys.argv[4] if len(sys.argv) > 4 else ""
    end = time.monotonic() + seconds
    tries = successes = 0
    while time.monotonic() < end:
        tries += 1
        successes += connect(host, port, text)
    print(f"{successes} of {tries}", flush=True)


main()
