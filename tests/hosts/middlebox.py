# SPDX-License-Identifier: ISC
"""A middlebox: what a router forwards to an NFQUEUE, changed on its way.

usage: middlebox.py QUEUE EDIT...

Prints "ready" once packets come.  The edits are the functions under EDITS; the
first that returns something else than the packet it was given decides.
"""

import random
import socket
import struct
import sys
import time

from packets import ACK, RST, SYN, checksum, tcp_checksum

NETLINK_NETFILTER = 12
NFNL_SUBSYS_QUEUE = 3
MSG_PACKET, MSG_VERDICT, MSG_CONFIG = 0, 1, 2
ATTR_PACKET_HDR, ATTR_VERDICT_HDR, ATTR_PAYLOAD = 1, 2, 10
CONFIG_CMD, CONFIG_PARAMS = 1, 2
BIND, COPY_PACKET = 1, 2
DROP, ACCEPT = 0, 1

chance = random.Random(7)
offsets = {}


class Segment:
    """A TCP packet taken apart, and put together again."""

    def __init__(self, data):
        self.version = data[0] >> 4
        self.ip = data[:(data[0] & 15) * 4 if self.version == 4 else 40]
        tcp = data[len(self.ip):]
        (self.sport, self.dport, self.seq, self.ack, self.offset, self.flags,
         self.window, _, self.urgent) = struct.unpack(">HHIIBBHHH", tcp[:20])
        self.options = tcp[20:(self.offset >> 4) * 4]
        self.data = tcp[(self.offset >> 4) * 4:]

    def addresses(self):
        if self.version == 4:
            return self.ip[12:16], self.ip[16:20]
        return self.ip[8:24], self.ip[24:40]

    def flow(self):
        return self.addresses() + (self.sport, self.dport)

    def back(self):
        src, dst = self.addresses()
        return dst, src, self.dport, self.sport

    def is_syn(self):
        return self.flags & (SYN | ACK | RST) == SYN

    def build(self):
        src, dst = self.addresses()
        length = 20 + len(self.options)
        tcp = struct.pack(">HHIIBBHHH", self.sport, self.dport,
                          self.seq & 0xFFFFFFFF, self.ack & 0xFFFFFFFF,
                          length << 2 | self.offset & 15, self.flags,
                          self.window, 0, self.urgent)
        tcp += self.options + self.data
        total = struct.pack(">H", tcp_checksum(src, dst, tcp))
        tcp = tcp[:16] + total + tcp[18:]
        ip = bytearray(self.ip)
        if self.version == 4:
            ip[2:4] = struct.pack(">H", len(ip) + len(tcp))
            ip[10:12] = b"\0\0"
            ip[10:12] = struct.pack(">H", checksum(bytes(ip)))
        else:
            ip[4:6] = struct.pack(">H", len(tcp))
        return bytes(ip) + tcp


# ---- edits: a segment goes in; it, None (dropped) or "hold" or "twice" comes
# out


def isn(s):
    """Initial sequence numbers made anew, as some firewalls do."""
    if s.is_syn():
        if s.flow() not in offsets:
            offsets[s.flow()] = chance.randrange(1, 1 << 32)
            print(f"offset 0x{offsets[s.flow()]:08x}", flush=True)
    if s.flow() in offsets:
        s.seq += offsets[s.flow()]
    elif s.back() in offsets and s.flags & ACK:
        s.ack -= offsets[s.back()]
    return s


def clamp_window(s):
    if s.is_syn():
        s.window = min(s.window, 1024)
    return s


def random_window(s):
    if s.is_syn():
        s.window = chance.randrange(1 << 16)
    return s


def strip_options(s):
    """None but the MSS is left."""
    if s.is_syn():
        kept, rest = b"", s.options
        while rest and rest[0] != 0:
            length = 1 if rest[0] == 1 else rest[1]
            kept += rest[:length] if rest[0] == 2 else b"\1" * length
            rest = rest[length:]
        s.options = kept
    return s


def strip_data(s):
    if s.is_syn():
        s.data = b""
    return s


def drop_data(s):
    return None if s.is_syn() and s.data else s


def lose(s):
    return None if chance.random() < 0.1 else s


def reorder(s):
    return "hold" if s.is_syn() and chance.random() < 0.5 else s


def slow(s):
    """A host that takes its time to let somebody in."""
    if s.flags & (SYN | ACK) == SYN | ACK:
        time.sleep(0.15)
    return s


def twice(s):
    return "twice" if s.is_syn() else s


EDITS = {f.__name__.replace("_", "-"): f for f in (
    isn, clamp_window, random_window, strip_options, strip_data, drop_data,
    lose, reorder, slow, twice)}


# ---- NFQUEUE


def attribute(kind, data):
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + b"\0" * (-length % 4)


def message(kind, queue, attributes):
    body = struct.pack(">BBH", 0, 0, queue) + attributes
    return struct.pack("=IHHII", 16 + len(body), NFNL_SUBSYS_QUEUE << 8 | kind,
                       1, 0, 0) + body


def attributes_of(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack("=HH", data[:4])
        found[kind & 0x7FFF] = data[4:length]
        data = data[(length + 3) & ~3:]
    return found


class Queue:
    def __init__(self, number):
        self.number = number
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                    NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((0, 0))
        self.send(MSG_CONFIG, attribute(CONFIG_CMD,
                                        struct.pack(">BBH", BIND, 0, 0)))
        self.send(MSG_CONFIG, attribute(CONFIG_PARAMS,
                                        struct.pack(">IB", 0xFFFF,
                                                    COPY_PACKET)))

    def send(self, kind, attributes):
        self.socket.send(message(kind, self.number, attributes))

    def packets(self):
        data = self.socket.recv(1 << 17)
        while len(data) >= 16:
            length, kind = struct.unpack("=IH", data[:6])
            if kind == NFNL_SUBSYS_QUEUE << 8 | MSG_PACKET:
                found = attributes_of(data[20:length])
                yield found[ATTR_PACKET_HDR][:4], found[ATTR_PAYLOAD]
            data = data[(length + 3) & ~3:]

    def verdict(self, number, verdict, payload=None):
        attributes = attribute(ATTR_VERDICT_HDR,
                               struct.pack(">I", verdict) + number)
        if payload is not None:
            attributes += attribute(ATTR_PAYLOAD, payload)
        self.send(MSG_VERDICT, attributes)


def send_copy(packet):
    s = Segment(packet)
    family = socket.AF_INET if s.version == 4 else socket.AF_INET6
    dst = socket.inet_ntop(family, s.addresses()[1])
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(packet, (dst, 0))


HOLD_SECONDS = 0.004


def main():
    queue = Queue(int(sys.argv[1]))
    edits = [EDITS[name] for name in sys.argv[2:]]
    held = []
    print("ready", flush=True)
    while True:
        # What is held goes after what came later, or when nothing comes.
        queue.socket.settimeout(HOLD_SECONDS if held else None)
        try:
            packets = list(queue.packets())
        except TimeoutError:
            packets = []
        for number, payload in packets:
            s = Segment(payload)
            for edit in edits:
                s = edit(s)
                if not isinstance(s, Segment):
                    break
            if s is None:
                queue.verdict(number, DROP)
            elif s == "hold":
                held.append((time.monotonic(), number))
            else:
                if s == "twice":
                    send_copy(payload)
                    queue.verdict(number, ACCEPT)
                else:
                    queue.verdict(number, ACCEPT, s.build())
        now = time.monotonic()
        while held and (not packets or now > held[0][0] + HOLD_SECONDS):
            queue.verdict(held.pop(0)[1], ACCEPT)


main()
