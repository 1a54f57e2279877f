# SPDX-License-Identifier: ISC
"""A client of TAP written from PROTOCOL.md alone; see reference_cases.py.

    reference.py keys                 a server.key with the keys used here
    reference.py vectors FILE         whether this client computes what it says
    reference.py rule KEY WORDS       a client's rule with that key
    reference.py frames KEY PORT FRAMES.pcap ORIG.pcap
                                      whether groups are what a sender has to
                                      make of the SYNs in ORIG.pcap

It shares nothing with tap: HMACs are the standard library's, packets its own.
"""

import hashlib
import hmac
import json
import sys
import time
from dataclasses import dataclass

import packets

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

def now():
    return time.time_ns() * 256 // 10 ** 9


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


def main():
    if sys.argv[1] == "keys":
        print("\n".join(key.line() for key in KEYS))
    elif sys.argv[1] == "rule":
        key, = (key for key in KEYS if key.no == int(sys.argv[2]))
        print(f"RULE:{sys.argv[3]}, {key.line()}")
    elif sys.argv[1] == "vectors":
        check_vectors(sys.argv[2])
    else:
        check_frames(*sys.argv[2:])


if __name__ == "__main__":
    main()
