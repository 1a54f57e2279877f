# SPDX-License-Identifier: ISC
"""windows_forge.py 4|6 DEVICE FROM TO MAC: SYNs from FROM, which we are not.

They go to MAC, whose address FROM is: port 80 of TO.
"""

import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(source, target, sport):
    tcp = struct.pack("!HHIIBBHHH", sport, 80, 1000 + sport, 0, 0x50, 2,
                      64240, 0, 0)
    pseudo = source + target + struct.pack("!II", len(tcp), 6)
    return tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]


def packet(source, target, tcp):
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + (
            source + target + tcp)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0)
    total = checksum(head + source + target)
    return head[:10] + struct.pack("!H", total) + source + target + tcp


def main():
    family = socket.AF_INET if sys.argv[1] == "4" else socket.AF_INET6
    source = socket.inet_pton(family, sys.argv[3])
    target = socket.inet_pton(family, sys.argv[4])
    kind = 0x0800 if family == socket.AF_INET else 0x86dd
    link = bytes.fromhex(sys.argv[5].replace(":", ""))
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((sys.argv[2], 0))
    for sport in range(40000, 40020):
        out.send(link + out.getsockname()[4] + struct.pack("!H", kind) +
                 packet(source, target, syn(source, target, sport)))


main()
