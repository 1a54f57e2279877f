# SPDX-License-Identifier: ISC
"""recordings.py DIRECTORY ADDRESS: captures for tap replay-test.

whole.pcap, whole.pcapng and many.pcap have one group to port 80 of that
address, many.pcap behind a flood of other SYNs; *.bad have none, or are no
captures, and *.type say that their packets are of another kind.
"""

import random
import struct
import sys

import packets

MARKS = {1: 1 << 29, 2: 2 << 29, 3: 3 << 30, 4: 2 << 30}
LINKTYPE_RAW = 101
FLOOD = 200000


def group(address, window=1234):
    """Five frames; nobody asks here whether their authenticator is right."""
    seqs = [MARKS[2] | 77, MARKS[1] | 1 << 24 | 10 << 8, MARKS[3] | 12345,
            MARKS[4] | 54321, 0xDEADBEEF]
    return [packets.build_tcp("192.0.2.7", address, 40000 + i, 80, seq,
                              window=window)
            for i, seq in enumerate(seqs)]


def record(packet, at=1):
    return struct.pack("<IIII", at, 0, len(packet), len(packet)) + packet


def pcap(records, link=LINKTYPE_RAW, magic=0xA1B2C3D4, snaplen=65535):
    return struct.pack("<IHHiIII", magic, 2, 4, 0, 0, snaplen, link) + \
        b"".join(records)


def block(kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def pcapng(ips):
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack("<HHI", LINKTYPE_RAW, 0, 65535))
    for ip in ips:
        out += block(6, struct.pack("<IIIII", 0, 0, 1, len(ip), len(ip)) + ip)
    return out


def flood(address, count):
    """SYNs of which no two have the same window and source."""
    one = bytearray(packets.build_tcp("192.0.2.8", address, 5, 80, 0))
    for _ in range(count):
        one[12:16] = random.randbytes(4)
        one[24:28] = random.randbytes(4)
        yield record(bytes(one))


def main():
    directory, address = sys.argv[1:]
    frames = group(address)
    whole = pcap([record(p) for p in frames])
    files = {
        "whole.pcap": whole,
        "whole.pcapng": pcapng(frames),
        "many.pcap": pcap(list(flood(address, FLOOD)) +
                          [record(p) for p in frames]),
        "empty.bad": b"",
        "text.bad": b"this is no capture, but it is long enough for one\n",
        "header.bad": whole[:20],
        "none.bad": pcap([]),
        "cut.bad": whole[:-1],
        "record.bad": whole[:24 + 10],
        "four-of-five.bad": pcap([record(p) for p in frames[:-1]]),
        "version.bad": whole[:4] + b"\xff\xff" + whole[6:],
        "length.bad": whole[:32] + b"\xff\xff\xff\x7f" + whole[36:],
        "snaplen.bad": pcap([record(b"\x45")], snaplen=0xFFFFFFFF),
        "short.bad": pcap([record(p[:n]) for p in frames
                           for n in range(len(p))]),
        "other-port.bad": pcap([record(
            p[:22] + b"\0\x51" + p[24:]) for p in frames]),
        "ng.bad": pcapng(frames)[:-5],
        "ng-block.bad": pcapng([]) + struct.pack("<II", 6, 0xFFFFFFF0),
        "ng-nothing.bad": pcapng([]),
        "long-ago.bad": pcap([record(p, at=1000 * i)
                              for i, p in enumerate(frames)]),
        "windows.bad": pcap([record(group(address, window=i)[i])
                             for i in range(5)]),
    }
    for link in list(range(300)) + [65535]:
        if link not in (LINKTYPE_RAW, 12):
            files[f"{link}.type"] = pcap([record(p) for p in frames], link)
    for name, data in files.items():
        with open(f"{directory}/{name}", "wb") as file:
            file.write(data)


main()
