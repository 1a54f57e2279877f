# SPDX-License-Identifier: ISC
"""A capture of IP packets, as another kind of capture.

usage: relink.py IN OUT KIND; IN is pcap of LINKTYPE_RAW with nanoseconds, KIND
one of KINDS, or "cut:N": the first N bytes of each packet.
"""

import struct
import sys


def ethertype(ip):
    return b"\x08\x00" if ip[0] >> 4 == 4 else b"\x86\xdd"


def nflog(ip):
    family = 2 if ip[0] >> 4 == 4 else 10
    return struct.pack("<BBH", family, 0, 0) + struct.pack(
        "<HH", 4 + len(ip), 9) + ip


MAC = bytes(12)
# Of each link type: its number, and what makes a frame of an IP packet.
KINDS = {
    "null": (0, lambda ip: struct.pack("<I", 2 if ip[0] >> 4 == 4 else 10) +
             ip),
    "ethernet": (1, lambda ip: MAC + ethertype(ip) + ip),
    "vlan": (1, lambda ip: MAC + b"\x81\0\0\5" + ethertype(ip) + ip),
    "ppp": (9, lambda ip: b"\xff\3\0" + (b"\x21" if ip[0] >> 4 == 4 else
                                         b"\x57") + ip),
    "raw": (101, lambda ip: ip),
    "wlan": (127, lambda ip: b"\0\0\x08\0\0\0\0\0" + b"\x08\0" + bytes(22) +
             b"\xaa\xaa\3\0\0\0" + ethertype(ip) + ip),
    "cooked": (113, lambda ip: bytes(14) + ethertype(ip) + ip),
    "cooked2": (276, lambda ip: ethertype(ip) + bytes(18) + ip),
    "nflog": (239, nflog),
}


def packets(data):
    at = 24
    while at < len(data):
        sec, nsec, length, whole = struct.unpack("<IIII", data[at:at + 16])
        yield sec, nsec, whole, data[at + 16:at + 16 + length]
        at += 16 + length


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    kind = sys.argv[3]
    cut = int(kind[4:]) if kind.startswith("cut:") else None
    number, frame = KINDS["raw" if cut else kind]
    out = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, number)
    for sec, nsec, whole, ip in packets(data):
        made = frame(ip)
        length = min(len(made), cut or len(made))
        out += struct.pack("<IIII", sec, nsec, length,
                           whole + len(made) - len(ip)) + made[:length]
    with open(sys.argv[2], "wb") as file:
        file.write(out)


main()
