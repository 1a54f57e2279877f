# SPDX-License-Identifier: ISC
"""Packets: build them, take them apart, and judge captures.

As a program: packets.py TOOL FILE.pcap ARGUMENT...; prints what is wrong and
exits 1, or prints nothing.  The tools are the functions under TOOLS.
"""

import ipaddress
import struct
import sys

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
TCP, UDP, ICMP, ICMP6, FRAGMENT6 = 6, 17, 1, 58, 44


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_checksum(src, dst, segment):
    if len(src) == 4:
        pseudo = src + dst + struct.pack(">BBH", 0, TCP, len(segment))
    else:
        pseudo = src + dst + struct.pack(">II", len(segment), TCP)
    return checksum(pseudo + segment)


def build_tcp(src, dst, sport, dport, seq, ack=0, flags=SYN, window=64240,
              options=b"", data=b""):
    """An IPv4 or IPv6 packet; src and dst are texts."""
    a = ipaddress.ip_address(src).packed
    b = ipaddress.ip_address(dst).packed
    header = struct.pack(">HHIIBBHHH", sport, dport, seq, ack,
                         (20 + len(options)) << 2, flags, window, 0, 0)
    segment = header + options + data
    total = tcp_checksum(a, b, segment)
    segment = segment[:16] + struct.pack(">H", total) + segment[18:]
    if len(a) == 4:
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000,
                         64, TCP, 0) + a + b
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    else:
        ip = struct.pack(">IHBB", 6 << 28, len(segment), TCP, 64) + a + b
    return ip + segment


class Packet:
    """What an IP packet says; fields are those of its own version."""

    def __init__(self, data):
        self.bytes = data
        self.version = data[0] >> 4
        self.fields = {}
        self.seq = self.sport = self.dport = self.window = self.flags = None
        if self.version == 4:
            self._ip4(data)
        else:
            self._ip6(data)

    def _ip4(self, data):
        header = (data[0] & 15) * 4
        length, ident, fragment = struct.unpack(">HHH", data[2:8])
        self.length = length
        self.protocol = data[9]
        self.fragment = fragment & 0x3FFF
        self.src = str(ipaddress.ip_address(data[12:16]))
        self.dst = str(ipaddress.ip_address(data[16:20]))
        self.fields.update({
            "ip.header": header, "ip.tos": data[1], "ip.length": length,
            "ip.id": ident, "ip.fragment": fragment, "ip.ttl": data[8],
            "ip.protocol": data[9], "ip.checksum": data[10:12].hex(),
            "ip.src": self.src, "ip.dst": self.dst,
            "ip.options": data[20:header].hex()})
        self._tcp(data[12:16], data[16:20], data[header:length])

    def _ip6(self, data):
        length = struct.unpack(">H", data[4:6])[0]
        self.length = length + 40
        self.protocol = data[6]
        self.fragment = 0
        self.src = str(ipaddress.ip_address(data[8:24]))
        self.dst = str(ipaddress.ip_address(data[24:40]))
        self.fields.update({
            "ip.class": data[:4].hex(), "ip.length": length,
            "ip.next": data[6], "ip.hops": data[7],
            "ip.src": self.src, "ip.dst": self.dst})
        segment = data[40:40 + length]
        if self.protocol == FRAGMENT6:
            self.protocol = segment[0]
            self.fragment = struct.unpack(">H", segment[2:4])[0] & 0xFFF9
            segment = segment[8:]
        self._tcp(data[8:24], data[24:40], segment)

    def _tcp(self, src, dst, segment):
        self.payload = segment
        self.valid = True
        if self.protocol != TCP or self.fragment or len(segment) < 20:
            return
        (self.sport, self.dport, self.seq, self.ack, offset, self.flags,
         self.window, total, urgent) = struct.unpack(">HHIIBBHHH",
                                                     segment[:20])
        header = (offset >> 4) * 4
        self.options = segment[20:header]
        self.payload = segment[header:]
        self.valid = tcp_checksum(src, dst, segment) == 0
        self.fields.update({
            "tcp.sport": self.sport, "tcp.dport": self.dport,
            "tcp.seq": self.seq, "tcp.ack": self.ack, "tcp.offset": offset,
            "tcp.flags": self.flags, "tcp.window": self.window,
            "tcp.checksum": total, "tcp.urgent": urgent,
            "tcp.options": self.options.hex(), "data": self.payload.hex()})

    def is_syn(self):
        return self.flags is not None and \
            self.flags & (SYN | ACK | RST | FIN) == SYN


def read(path):
    """The IP packets of a capture, in its order."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 24:
        return []
    order = {0xA1B2C3D4: "<", 0xD4C3B2A1: ">"}[
        struct.unpack("<I", data[:4])[0]]
    link = struct.unpack(order + "I", data[20:24])[0] & 0xFFFF
    at = 24
    packets = []
    while at + 16 <= len(data):
        size = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if at > len(data):
            break  # still being written
        ip = _network_layer(link, frame)
        if ip:
            packets.append(Packet(ip))
    return packets


def _network_layer(link, frame):
    if link == 1:  # Ethernet
        kind = struct.unpack(">H", frame[12:14])[0]
        return frame[14:] if kind in (0x0800, 0x86DD) else None
    if link == 239:  # NFLOG: attributes; 9 is the packet
        at = 4
        while at + 4 <= len(frame):
            size, kind = struct.unpack("<HH", frame[at:at + 4])
            if kind & 0x7FFF == 9:
                return frame[at + 4:at + size]
            at += max(4, (size + 3) & ~3)
    return None


def silent(path, address, port):
    """Nothing came from that port, and no ICMP about it."""
    wrong = []
    for p in read(path):
        if p.src == address and p.protocol == TCP and p.sport == int(port):
            wrong.append(f"an answer: {p.fields}")
        if p.src == address and p.protocol in (ICMP, ICMP6) and \
                not (p.protocol == ICMP6 and p.payload[0] in (135, 136)):
            wrong.append(f"ICMP: {p.payload.hex()}")
    return wrong


def _looks(p, ports):
    # Fragments name no port, but for the first.
    what = {"from": p.src, "length": p.length, "fragment": p.fragment,
            "protocol": p.protocol}
    if p.flags is not None:
        what.update({"flags": p.flags, "data": len(p.payload)})
        if p.dport in ports:
            return p.dport, what
        if p.sport in ports:
            return p.sport, what
    elif p.protocol == TCP and p.fragment and p.fragment & 0x1FFF == 0:
        sport, dport = struct.unpack(">HH", p.payload[:4])
        return (dport if dport in ports else sport), what
    return None, what


def alike(path, one, other):
    """Packet by packet, what went to and from two ports looks the same.

    What the kernel of a connect scan sends again counts once: its timer and
    the scanner's run against each other.
    """
    ports = (int(one), int(other))
    seen = {port: [] for port in ports}
    known = set()
    for p in read(path):
        port, what = _looks(p, ports)
        again = (p.src, p.sport, p.seq) if p.is_syn() else None
        if port in seen and (not again or again not in known):
            seen[port].append(what)
        known.add(again)
    if not seen[ports[0]]:
        return [f"no packet of port {one}"]
    if seen[ports[0]] == seen[ports[1]]:
        return []
    return [f"port {port}: {what}" for port in ports for what in seen[port]]


def rewritten(inside, outside):
    """A router changed address and source port of each SYN, and no more."""
    before = {p.seq: p for p in read(inside) if p.is_syn()}
    after = {p.seq: p for p in read(outside) if p.is_syn()}
    if not before or set(before) != set(after):
        return [f"SYNs {sorted(before)} became {sorted(after)}"]
    wrong = []
    for seq, p in before.items():
        q = after[seq]
        if p.sport == q.sport or p.src == q.src:
            wrong.append(f"{p.src}:{p.sport} is still {q.src}:{q.sport}")
        if (p.window, p.options) != (q.window, q.options):
            wrong.append(f"{p.fields} became {q.fields}")
    if len({q.sport for q in after.values()}) != len(after):
        wrong.append("a source port twice")
    return wrong


def ended(path):
    """The packet that marks the end is there: UDP to port 9."""
    for p in read(path):
        if p.protocol == UDP and p.payload[2:4] == b"\0\11":
            return []
    return ["no end"]


TOOLS = {"silent": silent, "alike": alike, "rewritten": rewritten,
         "ended": ended}


def main():
    wrong = TOOLS[sys.argv[1]](*sys.argv[2:])
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
