# SPDX-License-Identifier: ISC
"""A client of TAP written from PROTOCOL.md alone, and a forger of its frames.

    reference.py keys                 a server.key with the keys used here
    reference.py vectors FILE         whether this client computes what it says
    reference.py case NAME NET 4|6 TAP
                                      a case against the server of a lab: hosts
                                      server, client and stranger of NET
    reference.py names                the names of all cases
    reference.py rule KEY WORDS       a client's rule with the key of that number
    reference.py frames KEY PORT FRAMES.pcap ORIG.pcap
                                      whether groups are what a sender has to
                                      make of the SYNs in ORIG.pcap

It shares nothing with tap: HMACs are the standard library's, packets its own.
"""

import ctypes
import hashlib
import hmac
import itertools
import json
import os
import random
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace

import packets
from packets import ACK, FIN, PSH, RST, SYN

# ---- PROTOCOL.md: Frames

# Of each role: mark bits, how many they are.
MARKS = {1: (0b001, 3), 2: (0b010, 3), 3: (0b11, 2), 4: (0b10, 2),
         5: (0b000, 3), 6: (0b011, 3)}
SENDING_ORDER = (2, 1, 3, 4, 5, 6, 0)


def marked(role, value):
    mark, bits = MARKS[role]
    return mark << (32 - bits) | value


def unmarked(role, seq):
    return seq & ((1 << (32 - MARKS[role][1])) - 1)


def role_of(seq):
    for role, (mark, bits) in MARKS.items():
        if seq >> (32 - bits) == mark:
            return role
    raise AssertionError("a prefix code leaves no gap")


# ---- PROTOCOL.md: Authenticator

@dataclass
class Key:
    no: int
    suite: str
    secret: bytes
    extra: int = 0
    realm: bytes = b""
    more: str = ""

    def line(self):
        text = f"key_no={self.no}, key=0x{self.secret.hex()}"
        text += f", alg={self.suite}, auth={(30, 60, 89, 118)[self.extra]}"
        if self.realm:
            text += f", realm={self.realm.decode()}"
        return text + self.more


def authenticator(key, port, seq):
    s = b"".join(number.to_bytes(4, "big") for number in
                 (seq[0], unmarked(1, seq[1]), unmarked(2, seq[2])))
    if key.suite == "hmac-md5":
        digest = hmac.new(key.secret, s, hashlib.md5).digest()
    else:
        text = b"TAP2" + bytes([len(key.realm)]) + key.realm
        text += port.to_bytes(2, "big") + s
        digest = hmac.new(key.secret, text, hashlib.sha256).digest()
    left = int.from_bytes(digest, "big")
    size = len(digest) * 8
    parts = []
    for role in range(3, 4 + key.extra):
        width = 32 - MARKS[role][1]
        size -= width
        parts.append(marked(role, left >> size & ((1 << width) - 1)))
    return parts


def sequence(key, port, isn, when, key_no=None, flags=None):
    """SYN0, SYN1, ...; when is in 1/256 s."""
    key_no = key.no if key_no is None else key_no
    flags = key.extra if flags is None else flags
    seq = [isn,
           marked(1, flags << 24 | key_no << 8 | when & 0xFF),
           marked(2, when >> 8 & ((1 << 29) - 1))]
    return seq + authenticator(key, port, seq)


def check_vectors(path):
    with open(path, encoding="ascii") as file:
        found = json.load(file)
    vectors = found["accept"]
    for v in vectors:
        key = Key(v["key_no"], v["suite"], bytes.fromhex(v["key"]), v["extra"],
                  bytes.fromhex(v["realm"]))
        whole, _, part = v["time"].partition(".")
        part = int((part + "0" * 9)[:9])
        when = int(whole) << 8 | (part << 8) // 10 ** 9
        got = sequence(key, v["port"], v["isn"], when)
        assert got == v["seq"], f"{v['name']}: {got} is not {v['seq']}"
    assert vectors, "no vectors"


# ---- keys and services of the tests; the server's files are made from these

SECRETS = [hashlib.sha256(b"test key %d" % n).digest() for n in range(40)]
MD5 = Key(10, "hmac-md5", SECRETS[10][:16])
SHORT = Key(11, "hmac-sha256", SECRETS[11])
LONG = Key(12, "hmac-sha256", SECRETS[12], 1)
LONGER = Key(13, "hmac-sha256", SECRETS[13], 2)
LONGEST = Key(14, "hmac-sha256", SECRETS[14] * 2, 3, b"cluster")
OTHER = Key(20, "hmac-sha256", SECRETS[20], 1)  # not allowed on port 80
PAST = Key(15, "hmac-sha256", SECRETS[15], 1, more=", not_after=2020-01-01")
FUTURE = Key(16, "hmac-sha256", SECRETS[16], 1, more=", not_before=2200-01-01")
KEYS = [MD5, SHORT, LONG, LONGER, LONGEST, OTHER, PAST, FUTURE]
GOOD = [MD5, SHORT, LONG, LONGER, LONGEST]
# Of these a reading of frames that is wrong is not counted as a guess.
LONG_ENOUGH = [LONG, LONGER, LONGEST]
PORT, LOOSE_PORT, TIGHT_PORT = 80, 81, 82


# ---- PROTOCOL.md: What a sender changes

def differences(a, b, *but):
    return {name: (a.fields[name], b.fields[name]) for name in a.fields
            if name not in but and a.fields[name] != b.fields.get(name)}


def check_group(key, port, frames, orig):
    count = 4 + key.extra
    assert len(frames) == count, f"{len(frames)} frames"
    syn0 = frames[-1]
    changed = differences(orig, syn0, "tcp.window", "tcp.checksum")
    assert not changed, f"SYN0 is not SYN-ORIG: {changed}"
    for f in frames:
        assert f.valid, f"wrong TCP checksum: {f.fields}"
        assert f.version == 6 or packets.checksum(
            f.bytes[:f.fields["ip.header"]]) == 0, "wrong IP checksum"
        changed = differences(syn0, f, "tcp.seq", "tcp.sport", "tcp.checksum")
        assert not changed, f"a frame differs from SYN0: {changed}"
    sports = {f.sport for f in frames}
    assert len(sports) == count, f"a source port twice: {sports}"
    roles = [role_of(f.seq) for f in frames[:-1]]
    wanted = [role for role in SENDING_ORDER if 0 < role < count]
    assert roles == wanted, f"order {roles}"
    by_role = dict(zip(roles, frames))
    when = unmarked(2, by_role[2].seq) << 8 | by_role[1].seq & 0xFF
    seq = [syn0.seq] + [by_role[role].seq for role in range(1, count)]
    assert seq == sequence(key, port, syn0.seq, when), f"{seq}"
    late = ((now() & ((1 << 37) - 1)) - when) / 256
    assert 0 <= late < 60, f"{late} seconds ago"


def check_frames(number, port, path, orig_path):
    key, = (key for key in KEYS if key.no == int(number))
    orig = [p for p in packets.read(orig_path) if p.is_syn()]
    frames = [p for p in packets.read(path) if p.is_syn()]
    count = 4 + key.extra
    assert len(frames) == count * len(orig), f"{len(frames)} frames"
    for n, syn in enumerate(orig):
        check_group(key, int(port), frames[n * count:(n + 1) * count], syn)
    marks_used = {f.window for f in frames}
    assert len(marks_used) == len(orig) > 1, f"marks {marks_used}"


# ---- hosts

def now():
    return time.time_ns() * 256 // 10 ** 9


class Host:
    """A host of the lab: sends what it likes and hears all that comes."""

    RST_MARK = 0x77  # the kernel's own are kept back by a rule

    def __init__(self, net, name, number, family):
        self.addr = f"10.77.0.{number}" if family == 4 else f"fd77::{number}"
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        here = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{net}-{name}", os.O_RDONLY)
        self._enter(there)
        self.out = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.out.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self.RST_MARK)
        self.heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                   socket.htons(3))
        self.heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.heard.bind(("eth0", 3))
        self._enter(here)
        os.close(here)
        os.close(there)

    @staticmethod
    def _enter(fd):
        if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000) < 0:
            raise OSError(ctypes.get_errno(), "setns")

    def send(self, dst, sport, dport, seq, ack=0, flags=SYN, **more):
        self.out.sendto(packets.build_tcp(self.addr, dst, sport, dport, seq,
                                          ack, flags, **more), (dst, 0))

    def hear(self, src, seconds):
        """The next packet from src but for neighbour discovery, or None."""
        until = time.monotonic() + seconds
        while True:
            left = max(0, until - time.monotonic())
            if not select.select([self.heard], [], [], left)[0]:
                return None
            data, addr = self.heard.recvfrom(65536)
            if addr[1] not in (0x0800, 0x86DD) or addr[2] == 4:  # outgoing
                continue
            p = packets.Packet(data)
            discovery = p.protocol == packets.ICMP6 and \
                p.payload[0] in (135, 136)
            if p.src == src and not discovery:
                return p


@dataclass
class Frame:
    role: int
    seq: int
    sport: int
    window: int
    options: bytes = b"\2\4\5\xb4\4\2\1\1"
    data: bytes = b""


class Lab:
    PATIENCE = 20

    def __init__(self, net, family, tap):
        self.net, self.tap = net, tap
        self.server = "10.77.0.1" if family == 4 else "fd77::1"
        self.client = Host(net, "client", 2, family)
        self.stranger = Host(net, "stranger", 3, family)
        self.sport = random.randrange(10000, 20000)
        self.window = random.getrandbits(16)
        self.done = set()  # ports of connections that were reset
        self.at_first = 0  # accepted before
        self.got_in = 0  # by accepted()

    def port(self):
        self.sport += 1
        return self.sport

    def mark(self):
        """A mark that no other group has; drawn, among many two are alike."""
        self.window = (self.window + 40503) & 0xFFFF
        return self.window

    def group(self, key, port=PORT, isn=None, when=None, window=None,
              service_port=None, **forged):
        """Frames by role, like sequence().

        SYN0 looks like a SYN3 and never like one that tells of another group,
        so that what the server counts is always the same; marks() has the
        others.
        """
        isn = marked(3, random.getrandbits(30)) if isn is None else isn
        when = now() if when is None else when
        window = self.mark() if window is None else window
        seq = sequence(key, service_port or port, isn, when, **forged)
        return [Frame(role, number, self.port(), window)
                for role, number in enumerate(seq)]

    def send(self, frames, port=PORT, host=None):
        for f in frames:
            (host or self.client).send(
                self.server, f.sport, port, f.seq, window=f.window,
                options=f.options, data=f.data)

    def status(self):
        text = subprocess.run(
            ["ip", "netns", "exec", f"{self.net}-server", self.tap, "server",
             "--status", "--json"],
            check=True, stdout=subprocess.PIPE).stdout
        found = json.loads(text)
        return {**found, **found["refused"]}

    def counts(self, before, **wanted):
        """Wait until these numbers grew by so much, and no reason else did.

        "incomplete" may grow more: the rest of a group that was refused early
        is one.
        """
        until = time.monotonic() + self.PATIENCE
        while True:
            after = self.status()
            grown = {name: after[name] - before[name]
                     for name in (*after["refused"], "accepted", "duplicates")}
            if all(grown[name] >= by for name, by in wanted.items()):
                break
            assert time.monotonic() < until, f"{wanted} expected, not {grown}"
            time.sleep(0.02)
        wrong = {name: by for name, by in grown.items()
                 if by != wanted.get(name, 0) and name != "incomplete"}
        assert not wrong, f"{wanted} expected, not {grown}"
        return after

    def drained(self):
        """Wait until the server waits for no frame any more."""
        until = time.monotonic() + self.PATIENCE
        while self.status()["assembling"]:
            assert time.monotonic() < until, "still waiting for frames"
            time.sleep(0.02)

    def silence(self, *hosts):
        for host in hosts or (self.client, self.stranger):
            p = host.hear(self.server, 0.05)
            while p and p.dport in self.done:
                p = host.hear(self.server, 0.05)
            assert p is None, f"an answer: {p.fields} {p.payload.hex()}"

    def answer(self, syn0, port=PORT, host=None):
        """Wait for SYN0's SYN/ACK, and nothing else."""
        p = (host or self.client).hear(self.server, self.PATIENCE)
        while p and p.dport in self.done:
            p = (host or self.client).hear(self.server, self.PATIENCE)
        assert p, f"no SYN/ACK for {syn0}"
        assert (p.protocol, p.sport, p.dport) == \
            (packets.TCP, port, syn0.sport) and p.flags == SYN | ACK and \
            p.ack == (syn0.seq + 1) & 0xFFFFFFFF and p.valid, \
            f"no SYN/ACK for {syn0}: {p.fields}"
        return p

    def answers(self, groups, port=PORT, patience=None):
        """Wait for the SYN/ACKs of several groups, and nothing else.

        With a patience of its own it returns the SYN0s of those that are
        missing then.
        """
        missing = {frames[0].sport: frames[0] for frames in groups}
        while missing:
            p = self.client.hear(self.server, patience or self.PATIENCE)
            assert p or patience, f"no SYN/ACK for {list(missing.values())}"
            if not p:
                break
            if p.flags == SYN | ACK and p.sport == port and \
                    p.dport in missing and \
                    p.ack == (missing[p.dport].seq + 1) & 0xFFFFFFFF:
                self.reset(missing.pop(p.dport), port)
        self.silence()
        return list(missing.values())

    def reset(self, syn0, port=PORT, host=None):
        self.done.add(syn0.sport)
        (host or self.client).send(self.server, syn0.sport, port,
                                   (syn0.seq + 1) & 0xFFFFFFFF, flags=RST)

    def accepted(self, frames, syn0, port=PORT, host=None):
        if not self.got_in:
            self.at_first = self.status()["accepted"]
        self.send(frames, port, host)
        self.answer(syn0, port, host)
        self.reset(syn0, port, host)
        self.got_in += 1

    def told(self):
        """The kernel lets groups in, and the server counts them later."""
        until = time.monotonic() + self.PATIENCE
        while self.status()["accepted"] - self.at_first < self.got_in:
            assert time.monotonic() < until, "not told of all that got in"
            time.sleep(0.02)

    def refused(self, frames, reason, port=PORT, host=None, **more):
        self.told()
        before = self.status()
        self.send(frames, port, host)
        after = self.counts(before, **{reason: 1}, **more)
        self.silence()
        return after


def in_order(frames):
    return [frames[role] for role in SENDING_ORDER if role < len(frames)]


# ---- cases

def page(lab):
    """The handshake, a request and its answer, by hand, with each key."""
    for key in GOOD:
        frames = lab.group(key)
        lab.send(in_order(frames))
        first = lab.answer(frames[0])
        me = (frames[0].seq + 1) & 0xFFFFFFFF
        peer = (first.seq + 1) & 0xFFFFFFFF
        request = b"GET / HTTP/1.0\r\n\r\n"
        sport = frames[0].sport
        lab.client.send(lab.server, sport, PORT, me, peer, ACK)
        lab.client.send(lab.server, sport, PORT, me, peer, ACK | PSH,
                        data=request)
        me = (me + len(request)) & 0xFFFFFFFF
        body = b""
        while True:
            p = lab.client.hear(lab.server, lab.PATIENCE)
            assert p, f"no page, only {body}"
            if p.dport != sport or p.seq != peer:
                continue
            body += p.payload
            peer = (peer + len(p.payload) + bool(p.flags & FIN)) & 0xFFFFFFFF
            lab.client.send(lab.server, sport, PORT, me, peer, ACK)
            if p.flags & FIN:
                break
        assert body.startswith(b"HTTP/1.1 200") and \
            body.endswith(b"page of 80"), body
        lab.reset(replace(frames[0], seq=me - 1))


def orders(lab):
    """Every order of four frames and of five, some of six and seven."""
    before = lab.status()
    tries = [(key, order) for key in (MD5, SHORT)
             for order in itertools.permutations(range(4))]
    tries += [(LONG, order) for order in itertools.permutations(range(5))]
    for key in (LONGER, LONGEST):
        tries += [(key, random.sample(range(4 + key.extra), 4 + key.extra))
                  for _ in range(40)]
    for key, order in tries:
        frames = lab.group(key, isn=random.getrandbits(32))
        lab.accepted([frames[role] for role in order], frames[0])
    lab.counts(before, accepted=len(tries))
    assert lab.status()["incomplete"] == before["incomplete"]


def marks(lab):
    """An ISN that bears the mark of another frame, in every order."""
    before = lab.status()
    tries = [(MD5, role, order) for role in MARKS
             for order in itertools.permutations(range(4))]
    for key in (LONG, LONGEST):
        tries += [(key, role, random.sample(range(4 + key.extra),
                                            4 + key.extra))
                  for role in MARKS for _ in range(12)]
    for key, role, order in tries:
        isn = marked(role, random.getrandbits(32 - MARKS[role][1]))
        frames = lab.group(key, isn=isn)
        lab.accepted([frames[r] for r in order], frames[0])
    # One that looks like this key's SYN1, or like this second's SYN2.
    # With keys of 30 bits each wrong reading would count as a guess.
    start = now()
    frames = lab.group(LONG)
    for role, isn in ((1, frames[1].seq), (2, frames[2].seq),
                      (2, frames[2].seq + 1), (3, frames[3].seq)):
        for order in itertools.permutations(range(5)):
            # The same number in the same instant would be a replay.
            tries.append(order)
            again = lab.group(LONG, isn=isn, when=start + len(tries))
            lab.accepted([again[r] for r in order], again[0])
    lab.counts(before, accepted=len(tries))
    assert lab.status()["incomplete"] == before["incomplete"]


def duplicates(lab):
    """Frames that the network doubles: one answer, and no group twice."""
    for key in (MD5, LONG):
        frames = lab.group(key)
        before = lab.status()
        doubled = [f for f in in_order(frames)[:-1] for _ in range(2)]
        lab.accepted(doubled + [frames[0]], frames[0])
        lab.counts(before, accepted=1, duplicates=len(frames) - 1)
        # All of it twice, each frame after its first.
        frames = lab.group(key)
        before = lab.status()
        lab.accepted([f for f in in_order(frames) for _ in range(2)],
                     frames[0])
        lab.counts(before, accepted=1, duplicates=len(frames) - 1,
                   incomplete=1)
        # The group, and then its copy.
        frames = lab.group(key)
        before = lab.status()
        lab.accepted(in_order(frames) * 2, frames[0])
        lab.counts(before, accepted=1, replay=1)
        lab.silence()


def loss(lab):
    """Without any one frame nothing comes back; the next group gets in."""
    lost = []
    for key in GOOD:
        for role in range(4 + key.extra):
            frames = lab.group(key)
            lost.append([f for f in in_order(frames) if f.role != role])
    before = lab.status()
    for frames in lost:
        lab.send(frames)
    lab.counts(before, incomplete=len(lost))
    lab.silence()
    for key in GOOD:
        frames = lab.group(key)
        lab.accepted(in_order(frames), frames[0])


def late(lab):
    """The last frame comes when the others are forgotten."""
    frames = lab.group(LONG)
    before = lab.status()
    lab.send(in_order(frames)[:-1])
    lab.counts(before, incomplete=1)
    lab.send([frames[0]])
    lab.counts(before, incomplete=2)
    lab.silence()


def reasons(lab):
    """Each kind of wrong group is refused for what is wrong with it."""
    def refused(reason, key, **forged):
        lab.refused(in_order(lab.group(key, **forged)), reason)

    for key in GOOD:
        wrong = replace(key, secret=SECRETS[1])
        refused("mac", wrong)
        refused("time", key, when=now() + 40 * 256)
        refused("time", key, when=now() - 40 * 256)
        refused("time", key, when=now() + (1 << 28) * 256)
        refused("flags", key, flags=key.extra | 16)
        # Another length than the key's, with just as many frames.
        other = replace(key, extra=(key.extra + 1) % 4, suite="hmac-sha256")
        refused("flags", other)
        frames = lab.group(key)
        lab.accepted(in_order(frames), frames[0])
    refused("key", LONG, key_no=999)
    refused("key", MD5, key_no=65535)
    refused("key", PAST)
    refused("key", FUTURE)
    refused("acl", OTHER)
    refused("mac", replace(LONGEST, realm=b"another"))
    # The port is in the authenticator, but for hmac-md5.
    refused("mac", LONG, service_port=443)
    frames = lab.group(MD5, service_port=443)
    lab.accepted(in_order(frames), frames[0])


def tolerance(lab):
    """Clocks may differ by less than the tolerance, 30 s and here 6 s."""
    for key in (MD5, LONG):
        for skew in (1, 28):
            frames = lab.group(key, when=now() + skew * 256)
            lab.accepted(in_order(frames), frames[0])
        for skew in (-8, 8):
            lab.refused(in_order(lab.group(key, TIGHT_PORT,
                                           when=now() + skew * 256)),
                        "time", TIGHT_PORT)
    # What was made before the server's start can't be told from a replay.
    while lab.status()["uptime"] < 5:
        time.sleep(0.1)
    for key in (MD5, LONG):
        for skew in (-4, 4):
            frames = lab.group(key, TIGHT_PORT, when=now() + skew * 256)
            lab.accepted(in_order(frames), frames[0], TIGHT_PORT)


def replay(lab):
    """A group gets in once, whoever sends it again, and however."""
    for key in GOOD:
        frames = lab.group(key)
        lab.accepted(in_order(frames), frames[0])
        lab.refused(in_order(frames), "replay")
        lab.refused(in_order(frames), "replay", host=lab.stranger)
        # What the authenticator does not cover may look new.
        window = lab.mark()
        other = [replace(f, sport=lab.port(), window=window) for f in frames]
        lab.refused(in_order(other), "replay", host=lab.stranger)
        lab.refused(list(reversed(in_order(other))), "replay")
        # The key holder is not locked out by it.
        frames = lab.group(key)
        lab.accepted(in_order(frames), frames[0])


def stolen(lab):
    """Who hears a group and sends it first is in: the papers say so (6.5)."""
    frames = lab.group(LONG)
    lab.accepted(in_order(frames), frames[0], host=lab.stranger)
    lab.refused(in_order(frames), "replay")


def expected_reason(role, bit):
    """What a receiver says of LONG's group with that bit of it altered."""
    if role == 1 and bit == 25:
        return "incomplete"  # it names 3 extra frames
    if role == 1 and 24 <= bit < 29:
        return "flags"
    if role == 1 and 8 <= bit < 24:
        near = [key for key in KEYS if key.no == LONG.no ^ 1 << bit - 8]
        # Another key's length is not what the flags say.
        return "flags" if near and near[0].extra != LONG.extra else \
            "mac" if near else "key"
    if role == 2 and 5 <= bit < 29:
        return "time"  # by 32 seconds or more
    return "mac"


def altered(lab):
    """Every bit of every frame matters."""
    before = lab.status()
    expected = {}
    for role in range(5):
        for bit in range(32 - (MARKS[role][1] if role else 0)):
            frames = lab.group(LONG)
            frames[role].seq ^= 1 << bit
            lab.send(in_order(frames))
            reason = expected_reason(role, bit)
            expected[reason] = expected.get(reason, 0) + 1
    lab.counts(before, **expected)
    lab.silence()
    # With another mark a frame is missing, or is taken for another one.
    for role in MARKS:
        for bit in range(32 - MARKS[role][1], 32):
            frames = lab.group(LONGEST)
            frames[role].seq ^= 1 << bit
            lab.send(in_order(frames))
    lab.drained()
    lab.silence()


def windows(lab):
    """Where windows count, a frame with another one is of another group."""
    for role in range(5):
        frames = lab.group(LONG)
        frames[role].window ^= 1
        before = lab.status()
        lab.send(in_order(frames))
        lab.counts(before, incomplete=2)
        lab.silence()


def loose(lab):
    """Where windows don't survive, groups fit together without them."""
    for key in GOOD:
        for _ in range(12 if key in LONG_ENOUGH else 4):
            frames = lab.group(key, port=LOOSE_PORT)
            for f in frames:
                f.window = random.getrandbits(16)
            random.shuffle(mixed := list(frames))
            lab.accepted(mixed, frames[0], LOOSE_PORT)
    # Three at once, with one window for all that a box in between sets.
    groups = [lab.group(key, port=LOOSE_PORT, window=1024)
              for key in (LONG, LONG, LONGER)]
    mixed = [f for frames in itertools.zip_longest(*map(in_order, groups))
             for f in frames if f]
    lab.send(mixed, LOOSE_PORT)
    lab.answers(groups, LOOSE_PORT)


def interleaved(lab):
    """Groups that arrive at the same time don't mix."""
    for key in (MD5, LONG):
        groups = [lab.group(key), lab.group(key)]
        lab.send([f for pair in zip(*map(in_order, groups)) for f in pair])
        lab.answers(groups)
    for _ in range(5):
        groups = [lab.group(random.choice(LONG_ENOUGH)) for _ in range(12)]
        mixed = [f for frames in groups for f in frames]
        random.shuffle(mixed)
        lab.send(mixed)
        lab.answers(groups)


def one_mark(lab):
    """Two groups that drew the same mark both get in, one after the other.

    Mixed, the HMACs that one frame may cost can run out: then TCP's next SYN,
    which has a new mark, gets in.
    """
    for key in GOOD:
        window = lab.mark()
        groups = [lab.group(key, window=window) for _ in range(2)]
        lab.send(in_order(groups[0]) + in_order(groups[1]))
        lab.answers(groups)
    for key in LONG_ENOUGH:
        for _ in range(10):
            window = lab.mark()
            groups = [lab.group(key, window=window) for _ in range(2)]
            pairs = zip(*map(in_order, groups))
            lab.send([f for pair in pairs for f in pair])
            for missing in lab.answers(groups, patience=1):
                again = lab.group(key, isn=missing.seq)
                lab.accepted(in_order(again), again[0])


def data(lab):
    """A SYN with data is no frame."""
    frames = lab.group(LONG)
    frames[0].data = b"GET / HTTP/1.0\r\n\r\n"
    lab.refused(in_order(frames), "malformed")


def guesses(lab):
    """Guesses at 30 bits run out, for the address they come from alone."""
    wrong = replace(MD5, secret=SECRETS[1])
    before = lab.status()
    tries = 40
    for _ in range(tries):
        lab.send(in_order(lab.group(wrong)), host=lab.stranger)
    until = time.monotonic() + lab.PATIENCE
    while True:
        after = lab.status()
        mac = after["mac"] - before["mac"]
        guess = after["guess"] - before["guess"]
        if mac + guess >= tries:
            break
        assert time.monotonic() < until, after
        time.sleep(0.02)
    assert mac + guess == tries and 8 <= mac <= 30, after["refused"]
    # One a second is allowed again: the first of these takes it.
    before = lab.status()
    lab.send(in_order(lab.group(wrong)), host=lab.stranger)
    lab.send(in_order(lab.group(MD5)), host=lab.stranger)
    lab.drained()
    after = lab.status()
    assert after["accepted"] == before["accepted"], after
    assert after["mac"] + after["guess"] == before["mac"] + before["guess"] + 2
    lab.silence()
    for key in (LONG, LONGEST):
        frames = lab.group(key)
        lab.accepted(in_order(frames), frames[0], host=lab.stranger)
    frames = lab.group(MD5)
    if ":" in lab.server:  # the stranger's /64 is the client's, too
        lab.refused(in_order(frames), "guess")
    else:
        lab.accepted(in_order(frames), frames[0])


def remember(lab):
    """A group for later, when the server has been started again."""
    frames = lab.group(LONG)
    lab.accepted(in_order(frames), frames[0])
    used = [(f.role, f.seq, f.sport, f.window) for f in frames]
    fresh = [(f.role, f.seq, f.sport, f.window) for f in lab.group(LONG)]
    json.dump([used, fresh], sys.stdout)


def remembered(lab):
    """Of what was made before the restart, only what was used is refused."""
    used, fresh = ([Frame(*f) for f in frames]
                   for frames in json.load(sys.stdin))
    lab.refused(in_order(used), "replay")
    lab.accepted(in_order(fresh), fresh[0])


def forgotten(lab):
    """Without its memory the server refuses all that it could have seen."""
    for frames in json.load(sys.stdin):
        lab.refused(in_order([Frame(*f) for f in frames]), "replay")
    frames = lab.group(LONG)
    lab.accepted(in_order(frames), frames[0])


CASES = {case.__name__: case for case in (
    page, orders, marks, duplicates, loss, late, reasons, tolerance, replay,
    stolen, altered, windows, loose, interleaved, one_mark, data, guesses)}
ERRANDS = {case.__name__: case for case in (
    remember, remembered, forgotten)}


def main():
    if sys.argv[1] == "keys":
        print("\n".join(key.line() for key in KEYS))
    elif sys.argv[1] == "names":
        print("\n".join(CASES))
    elif sys.argv[1] == "rule":
        key, = (key for key in KEYS if key.no == int(sys.argv[2]))
        print(f"RULE:{sys.argv[3]}, {key.line()}")
    elif sys.argv[1] == "vectors":
        check_vectors(sys.argv[2])
    elif sys.argv[1] == "frames":
        check_frames(*sys.argv[2:])
    else:
        name, net, family, tap = sys.argv[2:]
        {**CASES, **ERRANDS}[name](Lab(net, int(family), tap))


if __name__ == "__main__":
    main()
