# SPDX-License-Identifier: ISC
"""An engine of shared replays that does as it likes.

    engine.py PORT http|ssh|noise|line|lines|bulk|slow|mute|shut

To each connection it says what its name says: another protocol, noise, a line
or lines or a string without an end, a byte now and then, nothing; or it closes.
"""

import itertools
import socket
import sys
import threading
import time

SAYS = {
    "http": [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
    "ssh": [b"SSH-2.0-OpenSSH_9.2p1\r\n"],
    "noise": [bytes(range(255, -1, -1))],
    "line": itertools.cycle([b"+" + b"a" * 4096]),
    "lines": itertools.cycle([b"+OK\r\n" * 1000]),
    "bulk": itertools.chain([b"$16000\r\n"], itertools.cycle([b"x" * 4096])),
    "slow": itertools.chain([b"$9000\r\n"], itertools.cycle([b"x"])),
    "mute": [],
}


def serve(connection, what):
    try:
        for part in SAYS[what]:
            connection.sendall(part)
            if what == "slow":
                time.sleep(0.1)
        while connection.recv(4096):
            pass
    except OSError:
        pass


def main():
    port, what = int(sys.argv[1]), sys.argv[2]
    listener = socket.create_server(("", port))
    while True:
        connection, _ = listener.accept()
        if what == "shut":
            # What is closed with bytes unread is reset.
            connection.recv(4096)
            connection.close()
        else:
            threading.Thread(target=serve, args=(connection, what),
                             daemon=True).start()


if __name__ == "__main__":
    main()
