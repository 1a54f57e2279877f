# SPDX-License-Identifier: ISC
"""What a closed port answers, and whether a hidden one answers the same.

    closed.py probes DEVICE SOURCE TARGET HIDDEN CLOSED
    closed.py times DEVICE SOURCE TARGET HIDDEN CLOSED COUNT
    closed.py labels DEVICE SOURCE TARGET HIDDEN CLOSED
    closed.py order DEVICE SOURCE TARGET HIDDEN CLOSED COUNT
    closed.py pmtu DEVICE SOURCE TARGET HIDDEN CLOSED MTU

probes: sends every kind of packet below to both ports, and prints what of the
answers differs.  times: says how long the answers to SYNs take, interleaved,
and exits 1 where one port is the slower in more than 70 of 100 pairs.  labels:
how the flow labels of IPv6 behave.  order: whether resets come in the order of
SYNs, of bursts in which one is to the hidden port.  pmtu: ICMP that quotes the
target's own packets, of either port, and says that they are too long.
"""

import ipaddress
import json
import random
import select
import socket
import struct
import subprocess
import sys
import time

from packets import (ACK, CWR, ECE, FIN, PSH, RST, SYN, TCP, URG, checksum,
                     tcp_checksum)

HOP, ROUTING, FRAGMENT, ICMP6, NONE, DESTINATION = 0, 43, 44, 58, 59, 60
# MSS, SACK, time stamp, nop, window scale: as Linux has them.
USUAL = bytes.fromhex("020405b40402080a000000010000000001030307")
MD5 = b"\x01\x01\x13\x12" + bytes(16)
AO = b"\x1d\x10\x01\x02" + bytes(12)
PACE = 0.0007  # below the rate that is looked at
PATIENCE = 3.0


class Host:
    """A raw view of the network: whole frames out, IP packets in."""

    def __init__(self, device, source, target):
        self.source = ipaddress.ip_address(source)
        self.target = ipaddress.ip_address(target)
        self.v6 = self.source.version == 6
        kind = 0x86DD if self.v6 else 0x0800
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                  socket.htons(kind))
        self.sock.bind((device, kind))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        with open(f"/sys/class/net/{device}/address", encoding="ascii") as f:
            mine = bytes.fromhex(f.read().strip().replace(":", ""))
        self.header = self._neighbour(device) + mine + struct.pack(">H", kind)

    def _neighbour(self, device):
        for _ in range(100):
            try:
                socket.create_connection((str(self.target), 9), 0.2).close()
            except OSError:
                pass
            found = json.loads(subprocess.run(
                ["ip", "-j", "neigh", "show", str(self.target), "dev",
                 device], check=True, capture_output=True).stdout)
            if found and "lladdr" in found[0]:
                return bytes.fromhex(found[0]["lladdr"].replace(":", ""))
            time.sleep(0.05)
        raise SystemExit(f"{self.target} is no neighbour")

    def send(self, packet):
        self.sock.send(self.header + packet)

    def receive(self, seconds):
        """An IP packet from the target, or None."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            if not select.select([self.sock], [], [], max(0, left))[0]:
                return None
            frame, where = self.sock.recvfrom(2048)
            packet = frame[14:]
            source = packet[8:24] if self.v6 else packet[12:16]
            if where[2] != socket.PACKET_OUTGOING and \
                    source == self.target.packed:
                return packet

    def segment(self, sport, dport, flags=SYN, seq=0x21345678,
                ack=0x3a5b7c9d, window=64240, options=USUAL, data=b"",
                offset=None, urgent=0, reserved=0, wrong=0):
        words = 5 + len(options) // 4 if offset is None else offset
        text = struct.pack(">HHIIBBHHH", sport, dport, seq, ack,
                           words << 4 | reserved, flags, window, 0, urgent)
        text += options + data
        total = tcp_checksum(self.source.packed, self.target.packed, text)
        return text[:16] + struct.pack(">H", total ^ wrong) + text[18:]

    def ip4(self, payload, options=b"", tos=0, ttl=61, ident=0x4242,
            fragment=0x4000, protocol=TCP):
        size = 20 + len(options)
        head = struct.pack(">BBHHHBBH", 0x40 | size // 4, tos,
                           size + len(payload), ident, fragment, ttl,
                           protocol, 0)
        head += self.source.packed + self.target.packed + options
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + \
            payload

    def ip6(self, payload, extensions=(), tos=0, label=0, hops=61):
        """Extensions: (number, body without its first byte)."""
        numbers = [number for number, _ in extensions] + [TCP]
        for (_, body), following in reversed(
                list(zip(extensions, numbers[1:]))):
            payload = bytes([following]) + body + payload
        return struct.pack(">IHBB", 6 << 28 | tos << 20 | label,
                           len(payload), numbers[0], hops) + \
            self.source.packed + self.target.packed + payload

    def ip(self, payload, **more):
        return (self.ip6 if self.v6 else self.ip4)(payload, **more)


# ---- the kinds of packets; each is (name, function of ports -> packets)

def tcp_kinds(host):
    """Whatever the version of IP."""
    def kind(name, ip=None, **tcp):
        def make(sport, dport):
            return [host.ip(host.segment(sport, dport, **tcp), **ip or {})]
        return name, make

    for flags in range(256):
        yield kind(f"flags {flags:02x}", flags=flags)
        yield kind(f"flags {flags:02x}, bare", flags=flags, options=b"",
                   ack=0, window=1024)
    for flags in (SYN, ACK, FIN, PSH | ACK, SYN | ACK, 0, RST, SYN | FIN):
        name = f"flags {flags:02x}"
        yield kind(f"{name}, data", flags=flags, data=b"GET / HTTP/1.0\r\n")
        yield kind(f"{name}, much data", flags=flags, data=bytes(1200))
        yield kind(f"{name}, wrong checksum", flags=flags, wrong=0x1111)
        yield kind(f"{name}, no checksum", flags=flags, wrong=0xffff)
        yield kind(f"{name}, sequence 0", flags=flags, seq=0, ack=0)
        yield kind(f"{name}, sequence at its end", flags=flags,
                   seq=0xffffffff, ack=0xffffffff)
        yield kind(f"{name}, no window", flags=flags, window=0)
        yield kind(f"{name}, urgent", flags=flags | URG, urgent=7)
        yield kind(f"{name}, reserved bits", flags=flags, reserved=15)
        for words in (0, 4, 6, 15):
            yield kind(f"{name}, {words} words", flags=flags, options=b"",
                       offset=words)
        for tos in (0x01, 0x02, 0x03, 0x10, 0x48, 0xb8, 0xff):
            yield kind(f"{name}, tos {tos:02x}", {"tos": tos}, flags=flags)
        for option in (b"\2\4\5\xb4", b"\1" * 40, b"\x08\xff\1\1",
                       b"\2\0\1\1", b"\1\1\1\2", b"\x22\2\1\1",
                       b"\x22\x0aabcdefgh\1\1", b"\xfe\4\xf9\x89"):
            yield kind(f"{name}, option {option[:12].hex()}", flags=flags,
                       options=option)
        yield kind(f"{name}, MD5", flags=flags, options=MD5)
        yield kind(f"{name}, AO", flags=flags, options=AO)
        # Long enough that a kernel looks through them for signatures.
        for option in (b"\1" * 16 + b"\x08\xff\1\1", b"\x08\xff" + b"\1" * 22,
                       b"\2\0" + b"\1" * 22, b"\2\1" + b"\1" * 22,
                       b"\1" * 23 + b"\2", b"\x13\x0a" + bytes(22),
                       b"\x1d\2" + b"\1" * 22, b"\x1d\4" + b"\1" * 22,
                       MD5 + MD5, MD5 + AO, AO + AO, b"\0" * 24,
                       b"\1" * 15 + b"\0" + MD5):
            yield kind(f"{name}, options {option.hex()}", flags=flags,
                       options=option)
    for role, mark in (("1", 0x20000a00), ("2", 0x40000000),
                       ("3", 0xc0000000), ("4", 0x80000000)):
        yield kind(f"a frame like SYN{role}", seq=mark | 0x1234)
    yield kind("SYN2 of now", seq=0x40000000 |
               int(time.time()) & 0x1fffffff)


def group_kinds(host):
    """A group that is right in all but its authenticator."""
    def make(sport, dport):
        now = int(time.time())
        sequence = (0x40000000 | now & 0x1fffffff, 0x2100_0a00, 0xc1234567,
                    0x81234567, 0x21345678)
        return [host.ip(host.segment(
            sport, dport, seq=seq, window=0x1000 + sport % 4096))
            for seq in sequence]

    yield "a group", make
    yield "a group again", make


def cut(payload, at):
    """Two pieces of the payload, the first a multiple of 8."""
    return [(0, 1, payload[:at]), (at, 0, payload[at:])]


def ip4_kinds(host):
    options = {
        "no operation": b"\1\1\1\0",
        "record route": b"\7\x0b\4" + bytes(8) + b"\0",
        "record route, full": b"\7\x07\x08" + bytes(4) + b"\0",
        "time stamps": b"\x44\x0c\5\0" + bytes(8),
        "time stamps, with addresses": b"\x44\x0c\5\1" + bytes(8),
        "router alert": b"\x94\4\0\0",
        "security": b"\x82\x0b" + bytes(9) + b"\0",
        "stream": b"\x88\4\0\0",
        "unknown": b"\x5e\4\0\0",
        "unknown, copied": b"\xde\4\0\0",
        "loose source route": b"\x83\7\x08" + host.target.packed + b"\0",
        "strict source route": b"\x89\7\4" + host.target.packed + b"\0",
        "too long": b"\7\x2b\4\0",
        "too short": b"\7\1\4\0",
        "of no length": b"\7\0\4\0",
        "record route, broken": b"\7\x0b\3" + bytes(8) + b"\0",
    }

    def kind(name, flags, **ip):
        def make(sport, dport):
            return [host.ip4(host.segment(sport, dport, flags=flags), **ip)]
        return f"flags {flags:02x}, {name}", make

    def fragments(name, flags, at):
        def make(sport, dport):
            ident = random.getrandbits(16)
            payload = host.segment(sport, dport, flags=flags, data=bytes(64))
            return [host.ip4(piece, ident=ident, fragment=more << 13 | off // 8)
                    for off, more, piece in cut(payload, at)]
        return f"flags {flags:02x}, {name}", make

    for flags in (SYN, ACK, FIN, 0):
        for name, text in options.items():
            yield kind(f"IP option {name}", flags, options=text)
        yield kind("may be fragmented", flags, fragment=0)
        yield kind("reserved bit", flags, fragment=0x8000)
        yield kind("TTL 1", flags, ttl=1)
        yield kind("TTL 255", flags, ttl=255)
        yield kind("ID 0", flags, ident=0)
        yield fragments("in two pieces", flags, 24)
        yield fragments("in two pieces, cut in the header", flags, 8)


def ip6_kinds(host):
    pad = b"\0\1\4\0\0\0\0"
    chains = {
        "hop-by-hop": [(HOP, pad)],
        "destination options": [(DESTINATION, pad)],
        "both": [(HOP, pad), (DESTINATION, pad)],
        "destination options twice": [(DESTINATION, pad)] * 2,
        "many": [(DESTINATION, pad)] * 9,
        "more than many": [(DESTINATION, pad)] * 30,
        "option to skip": [(DESTINATION, b"\0\x1e\4\0\0\0\0")],
        "option to discard": [(DESTINATION, b"\0\x5e\4\0\0\0\0")],
        "option to complain of": [(DESTINATION, b"\0\x9e\4\0\0\0\0")],
        "hop-by-hop to complain of": [(HOP, b"\0\xde\4\0\0\0\0")],
        "routing, nothing left": [(ROUTING, b"\0\0\0\0\0\0\0")],
        "routing, one left": [(ROUTING, b"\2\0\1\0\0\0\0" +
                               host.target.packed)],
        "routing, type 4": [(ROUTING, b"\2\4\0\0\0\0\0" +
                             host.target.packed)],
        "atomic fragment": [(FRAGMENT, b"\0\0\0\x12\x34\x56\x78")],
        "hop-by-hop not first": [(DESTINATION, pad), (HOP, pad)],
    }

    def kind(name, flags, **ip):
        def make(sport, dport):
            return [host.ip6(host.segment(sport, dport, flags=flags), **ip)]
        return f"flags {flags:02x}, {name}", make

    def fragments(name, flags, at):
        def make(sport, dport):
            ident = random.getrandbits(32)
            payload = host.segment(sport, dport, flags=flags, data=bytes(64))
            return [host.ip6(piece, extensions=[
                (FRAGMENT, struct.pack(">BHI", 0, off | more, ident))])
                for off, more, piece in cut(payload, at)]
        return f"flags {flags:02x}, {name}", make

    for flags in (SYN, ACK, FIN, 0):
        for name, chain in chains.items():
            yield kind(f"extensions: {name}", flags, extensions=chain)
        yield kind("a label", flags, label=0xabcde)
        yield kind("one hop", flags, hops=1)
        yield kind("255 hops", flags, hops=255)
        yield fragments("in two pieces", flags, 24)
        yield fragments("in two pieces, cut in the header", flags, 8)


# ---- answers

def read_tcp(segment):
    """The port asked from, and what the answer says."""
    sport, dport, seq, ack, offset, flags, window, _, urgent = struct.unpack(
        ">HHIIBBHHH", segment[:20])
    return sport, dport, {
        "seq": f"{seq:08x}", "ack": f"{ack:08x}", "offset": f"{offset:02x}",
        "flags": f"{flags:02x}", "window": window, "urgent": urgent,
        "options and data": segment[20:].hex()}


def read_answer(host, packet):
    """(the prober's port, the target's port, its fields), or None."""
    if host.v6:
        head, payload, number = packet[:40], packet[40:], packet[6]
        word, length = struct.unpack(">IH", head[:6])
        fields = {"class": f"{word >> 20 & 255:02x}", "length": length,
                  "labelled": word & 0xFFFFF != 0, "hops": head[7],
                  "next": number}
    else:
        size = (packet[0] & 15) * 4
        head, payload, number = packet[:size], packet[size:], packet[9]
        payload = payload[:struct.unpack(">H", head[2:4])[0] - size]
        fields = {"tos": f"{head[1]:02x}", "length": len(packet),
                  "id": head[4:6].hex(), "fragment": head[6:8].hex(),
                  "ttl": head[8], "protocol": number,
                  "header ok": checksum(head) == 0,
                  "IP options": without_time(head[20:]).hex()}
    if number == TCP:
        target_port, port, tcp = read_tcp(payload)
        tcp["checksum ok"] = tcp_checksum(
            host.target.packed, host.source.packed, payload) == 0
        return port, target_port, {**fields, **tcp}
    if number in (1, ICMP6) and payload[0] not in (135, 136):
        quoted = payload[8:]
        skip = 40 if host.v6 else (quoted[0] & 15) * 4
        found = find_ports(quoted, skip)
        if found:
            fields.pop("id", None)  # from a counter
            fields.update({"icmp": payload[:2].hex(),
                           "icmp at": payload[4:8].hex(),
                           "quoted": len(quoted)})
            return found + (fields,)
    return None


def without_time(options):
    """Of time stamps, the time is nobody's property."""
    at = options.find(b"\x44\x0c")
    return options[:at + 4] if at >= 0 else options


def find_ports(quoted, at):
    """The ports of our own packet; its extensions are passed over."""
    if quoted[0] >> 4 == 6:
        number = quoted[6]
        while number in (HOP, ROUTING, DESTINATION, FRAGMENT) and \
                at + 8 <= len(quoted):
            size = 8 if number == FRAGMENT else 8 * (quoted[at + 1] + 1)
            number = quoted[at]
            at += size
    if at + 4 > len(quoted):
        return None
    return struct.unpack(">HH", quoted[at:at + 4])


def probes(host, hidden, closed):
    kinds = list(tcp_kinds(host)) + list(group_kinds(host))
    kinds += ip6_kinds(host) if host.v6 else ip4_kinds(host)
    random.shuffle(kinds)
    first = random.randrange(2048, 60000 - len(kinds))
    answers = {}

    def take(seconds):
        packet = host.receive(seconds)
        while packet:
            found = read_answer(host, packet)
            if found:
                answers.setdefault(found[:2], []).append(found[2])
            packet = host.receive(seconds)

    for number, (_, make) in enumerate(kinds):
        ports = [hidden, closed]
        random.shuffle(ports)
        for port in ports:
            for packet in make(first + number, port):
                host.send(packet)
                take(PACE)
    take(PATIENCE)
    differences = 0
    silent = 0
    for number, (name, _) in enumerate(kinds):
        a = answers.get((first + number, hidden), [])
        b = answers.get((first + number, closed), [])
        silent += not b
        if a != b:
            differences += 1
            print(f"{name}: hidden {a}\n{' ' * len(name)}  closed {b}")
    print(f"{len(kinds)} kinds, {silent} of them unanswered at a closed "
          f"port, {differences} differ")
    # An answer to nearly all of these is what makes it a test.
    return differences == 0 and len(kinds) - silent > 300


# ---- time

def ask(host, sport, dport):
    """Seconds to the answer of a SYN."""
    packet = host.ip(host.segment(sport, dport))
    begun = time.perf_counter()
    host.send(packet)
    while True:
        answer = host.receive(PATIENCE)
        if not answer:
            return None
        found = read_answer(host, answer)
        if found and found[:2] == (sport, dport):
            return time.perf_counter() - begun


def mann_whitney(a, b):
    """Standard deviations that the ranks are apart, and the share of pairs
    in which a is the larger."""
    ranks = {}
    both = sorted(a + b)
    for at, value in enumerate(both):
        ranks.setdefault(value, []).append(at + 1)
    total = sum(sum(ranks[value]) / len(ranks[value]) for value in a)
    u = total - len(a) * (len(a) + 1) / 2
    n = len(a) * len(b)
    sigma = (n * (len(both) + 1) / 12) ** 0.5
    return (u - n / 2) / sigma, u / n


def median(values):
    return sorted(values)[len(values) // 2]


def times(host, hidden, closed, count):
    found = {hidden: [], closed: []}
    for number in range(count + 20):
        ports = [hidden, closed]
        random.shuffle(ports)
        for port in ports:
            took = ask(host, 1024 + random.randrange(60000), port)
            if took is None:
                print(f"port {port}: no answer")
                return False
            if number >= 20:
                found[port].append(took)
    apart, share = mann_whitney(found[hidden], found[closed])
    print(f"medians of {count}: hidden {median(found[hidden]) * 1e6:.1f} us, "
          f"closed {median(found[closed]) * 1e6:.1f} us; "
          f"{apart:+.1f} sigma, hidden is the slower in {share:.1%}")
    # Beyond chance, for some hundreds.  Smaller differences show behind many
    # SYNs: tests/probes, ping.
    return 0.4 < share < 0.6


def labels(host, hidden, closed):
    """Whether labels are there, stay within a flow, and change with it."""
    seen = {}
    for port in (hidden, closed):
        looks = []
        for sport, label in ((3001, 0), (3001, 0), (3002, 0), (3001, 0xabcde),
                             (3003, 0x12345), (3002, 0), (3004, 1)):
            host.send(host.ip(host.segment(sport, port), label=label))
            found = None
            while not found or found[:2] != (sport, port):
                answer = host.receive(PATIENCE)
                if not answer:
                    print(f"port {port}: no answer")
                    return False
                found = read_answer(host, answer)
            looks.append(struct.unpack(">I", answer[:4])[0] & 0xFFFFF)
        order = {}
        seen[port] = [label if label in (0, 0xabcde, 0x12345, 1) else
                      f"no. {order.setdefault(label, len(order))}, "
                      f"{min(label >> 19 for label in looks)}"
                      for label in looks]
        print(port, [f"{label:05x}" for label in looks], seen[port])
    return seen[hidden] == seen[closed]


def order(host, hidden, closed, count):
    """Bursts: each answer in its place, or as often out of it elsewhere."""
    early = {hidden: 0, closed: 0}
    for turn in range(2 * count):
        port = (hidden, closed)[turn % 2]
        first = 2048 + random.randrange(50000)
        burst = [(first + i, closed) for i in range(8)]
        place = random.randrange(8)
        burst[place] = (first + place, port)
        for sport, dport in burst:
            host.send(host.ip(host.segment(sport, dport)))
        seen = []
        while len(seen) < len(burst):
            answer = host.receive(PATIENCE)
            if not answer:
                print(f"burst with port {port}: {len(seen)} answers")
                return False
            found = read_answer(host, answer)
            if found and found[:2] in burst:
                seen.append(found[:2])
        early[port] += seen.index((first + place, port)) != place
    print(f"out of its place: hidden {early[hidden]}, closed {early[closed]} "
          f"of {count}")
    return early[hidden] <= early[closed] + count // 50


def pmtu(host, hidden, closed, mtu):
    for port in (hidden, closed, 22, 7):
        inner = host.segment(port, 40000, flags=ACK)[:8]
        quoted = struct.pack(">BBHHHBBH", 0x45, 0, 1500, 1, 0x4000, 64, TCP, 0)
        quoted += host.target.packed + host.source.packed + inner
        text = struct.pack(">BBHHH", 3, 4, 0, 0, mtu) + quoted
        text = text[:2] + struct.pack(">H", checksum(text)) + text[4:]
        for _ in range(3):
            host.send(host.ip4(text, protocol=1))
    time.sleep(0.3)
    return True


def main():
    tool, device, source, target = sys.argv[1:5]
    more = [int(text) for text in sys.argv[5:]]
    host = Host(device, source, target)
    good = {"probes": probes, "times": times, "labels": labels,
            "order": order, "pmtu": pmtu}[tool](host, *more)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
