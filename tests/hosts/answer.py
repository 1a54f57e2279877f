#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# Answers TCP as a port would that is a little off.
# usage: answer.py DEVICE PORT,WORD... PORT,WORD...
#
#	ttl=N	  the time to live, 64 unless told otherwise
#	delay=MS  so much later
#	open	  a SYN/ACK to a SYN, instead of the reset of a closed port
#	skew=N	  so much is added to what it acknowledges, or quotes
#	bare	  a reset that acknowledges nothing
#	icmp=T/C  an ICMP error of this type and code, instead (IPv4)
#
# The kernel of this host is to drop what comes to these ports.

import heapq
import select
import socket
import struct
import sys
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Port:
    def __init__(self, words):
        self.ttl, self.delay, self.open, self.icmp = 64, 0.0, False, None
        self.skew, self.bare = 0, False
        for word in words:
            name, _, value = word.partition("=")
            if name == "ttl":
                self.ttl = int(value)
            elif name == "delay":
                self.delay = float(value) / 1000
            elif name == "open":
                self.open = True
            elif name == "skew":
                self.skew = int(value)
            elif name == "bare":
                self.bare = True
            elif name == "icmp":
                self.icmp = [int(n) for n in value.split("/")]
            else:
                sys.exit("answer.py: %s?" % word)


def tcp_answer(port, src, dst, tcp, length):
    sport, dport, seq, ack, offset, flags = struct.unpack("!HHIIBB", tcp[:14])
    if flags & RST:
        return None
    data = length - (offset >> 4) * 4
    if port.open:
        if flags & (SYN | ACK) != SYN:
            return None
        number, other, bits = 1000, seq + 1 + port.skew, SYN | ACK
    elif port.bare:
        number, other, bits = 0, 0, RST
    elif flags & ACK:
        number, other, bits = ack, 0, RST
    else:
        step = data + bool(flags & SYN) + bool(flags & FIN)
        number, other, bits = 0, seq + step, RST | ACK
    head = struct.pack("!HHIIBBHHH", dport, sport, number,
                       other & 0xFFFFFFFF, 5 << 4, bits,
                       1024 if port.open else 0, 0, 0)
    pseudo = dst + src
    if len(src) == 4:
        pseudo += struct.pack("!BBH", 0, 6, len(head))
    else:
        pseudo += struct.pack("!II", len(head), 6)
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def ip4(port, src, dst, protocol, payload):
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000,
                       port.ttl, protocol, 0) + dst + src + payload


def answer(ports, packet):
    """The answer to a packet, and when and how it is to be sent."""
    if packet[0] >> 4 == 4:
        head = (packet[0] & 15) * 4
        if packet[9] != 6:
            return None
        src, dst = packet[12:16], packet[16:20]
        length = struct.unpack("!H", packet[2:4])[0] - head
    else:
        head = 40
        if packet[6] != 6:
            return None
        src, dst = packet[8:24], packet[24:40]
        length = struct.unpack("!H", packet[4:6])[0]
    tcp = packet[head:]
    port = ports.get(struct.unpack("!H", tcp[2:4])[0])
    if port is None:
        return None
    if port.icmp and len(src) == 4:
        seq, = struct.unpack("!I", tcp[4:8])
        quoted = packet[:head + 4] + struct.pack(
            "!I", (seq + port.skew) & 0xFFFFFFFF)
        error = struct.pack("!BBHI", *port.icmp, 0, 0) + quoted
        error = error[:2] + struct.pack("!H", checksum(error)) + error[4:]
        return port, ip4(port, src, dst, 1, error), src
    reply = tcp_answer(port, src, dst, tcp, length)
    if reply is None:
        return None
    if len(src) == 4:
        return port, ip4(port, src, dst, 6, reply), src
    return port, struct.pack("!IHBB", 6 << 28, len(reply), 6,
                             port.ttl) + dst + src + reply, src


def main():
    ports = {}
    for argument in sys.argv[2:]:
        number, *words = argument.split(",")
        ports[int(number)] = Port(words)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                         socket.htons(3))
    wire.bind((sys.argv[1], 3))
    raw4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    later = []
    print("ready", flush=True)
    while True:
        wait = None
        if later:
            wait = max(0, later[0][0] - time.monotonic() - 0.0002)
        if select.select([wire], [], [], wait)[0]:
            packet, where = wire.recvfrom(65536)
            now = time.monotonic()
            if where[2] == socket.PACKET_OUTGOING or len(packet) < 40:
                continue
            found = answer(ports, packet)
            if found:
                port, reply, to = found
                heapq.heappush(later, (now + port.delay, reply, to))
        while later and later[0][0] <= time.monotonic():
            _, reply, to = heapq.heappop(later)
            if len(to) == 4:
                raw4.sendto(reply, (socket.inet_ntop(socket.AF_INET, to), 0))
            else:
                raw6.sendto(reply, (socket.inet_ntop(socket.AF_INET6, to), 0))


main()
