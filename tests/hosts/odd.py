# SPDX-License-Identifier: ISC
"""odd.py SOURCE TARGET PORT...: TCP packets that no scanner makes.

Each kind goes to each port: all 256 combinations of flags, short and long
options, broken lengths, and fragments of IPv4 and IPv6.
"""

import random
import socket
import struct
import sys

import packets

SOURCE, TARGET = sys.argv[1:3]
PORTS = [int(port) for port in sys.argv[3:]]
V6 = ":" in TARGET
# nop, MSS, window scale, SACK, time stamp, Fast Open with a cookie, MD5
OPTIONS = [
    b"", b"\1\1\1\1", b"\2\4\5\xb4", b"\3\3\7\0", b"\4\2\1\1",
    b"\1\1\10\12" + b"\0\0\0\1\0\0\0\0", b"\x22\x0a" + b"abcdefgh\1\1",
    b"\x22\2\1\1", b"\1\1\x13\x12" + bytes(16), b"\1" * 40,
    b"\x08\xff\1\1", b"\2\0\1\1", b"\1\1\1\2"]


def make(port, **more):
    return packets.build_tcp(SOURCE, TARGET, random.randrange(1024, 65536),
                             port, random.getrandbits(32), **more)


def broken_offset(port, words):
    """The TCP header claims to have so many words."""
    packet = bytearray(make(port))
    at = len(packet) - 20
    packet[at + 12] = words << 4
    packet[at + 16:at + 18] = b"\0\0"
    sum_at = (12, 20) if not V6 else (8, 40)
    addresses = bytes(packet[sum_at[0]:sum_at[1]])
    half = len(addresses) // 2
    total = packets.tcp_checksum(addresses[:half], addresses[half:],
                                 bytes(packet[at:]))
    packet[at + 16:at + 18] = struct.pack(">H", total)
    return bytes(packet)


def broken_sum(port):
    packet = bytearray(make(port))
    packet[-4] ^= 0x55
    return bytes(packet)


def fragments(packet, size):
    """The same packet in pieces of so many bytes, a multiple of 8."""
    ident = random.getrandbits(16)
    header = 40 if V6 else 20
    data = packet[header:]
    pieces = []
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        more = at + size < len(data)
        if V6:
            extension = struct.pack(">BBHI", packets.TCP, 0, at | more, ident)
            ip = packet[:4] + struct.pack(
                ">HBB", 8 + len(piece), packets.FRAGMENT6, 64) + packet[8:40]
            pieces.append(ip + extension + piece)
        else:
            ip = packet[:2] + struct.pack(
                ">HHH", 20 + len(piece), ident, more << 13 | at // 8)
            ip += packet[8:10] + b"\0\0" + packet[12:20]
            pieces.append(ip + piece)
    return pieces


def all_kinds(port):
    for flags in range(256):
        yield make(port, flags=flags)
    for options in OPTIONS:
        yield make(port, options=options)
        yield make(port, options=options, flags=packets.ACK)
    for words in (0, 4, 6, 15):
        yield broken_offset(port, words)
    yield broken_sum(port)
    for data in (b"x", b"GET / HTTP/1.0\r\n\r\n", bytes(1200)):
        yield make(port, data=data)
        yield make(port, data=data, flags=packets.ACK | packets.PSH)
    yield make(port, window=0)
    yield make(port, ack=0xFFFFFFFF)
    # Where the first piece of IPv6 lacks a part of the TCP header, the kernel
    # says so by ICMP, whatever the port (RFC 7112).
    for size in (24, 32) if V6 else (8, 16, 24):
        yield from fragments(make(port, options=b"\1" * 20), size)


def main():
    sock = socket.socket(socket.AF_INET6 if V6 else socket.AF_INET,
                         socket.SOCK_RAW, socket.IPPROTO_RAW)
    for port in PORTS:
        for packet in all_kinds(port):
            sock.sendto(packet, (TARGET, 0))


main()
