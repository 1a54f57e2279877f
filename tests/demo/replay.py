# SPDX-License-Identifier: ISC
"""replay.py FILE.pcap TARGET SOURCE: send the SYNs of a capture once more.

They go out from SOURCE, an address of this host, with all else as it was
recorded.  Says what came back within two seconds.
"""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "hosts"))
import packets  # noqa: E402  # pylint: disable=wrong-import-position


def main():
    path, target, source = sys.argv[1:]
    syns = [p for p in packets.read(path) if p.is_syn() and p.dst == target]
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    heard = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    for p in syns:
        out.sendto(packets.build_tcp(source, target, p.sport, p.dport, p.seq,
                                     window=p.window, options=p.options),
                   (target, 0))
    answers = 0
    until = time.monotonic() + 2
    while (left := until - time.monotonic()) > 0:
        heard.settimeout(left)
        try:
            answers += heard.recvfrom(65536)[1][0] == target
        except TimeoutError:
            pass
    print(f"{len(syns)} SYNs sent, {answers} answers")


main()
