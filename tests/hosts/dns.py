# SPDX-License-Identifier: ISC
"""A name server for tests: dns.py ZONE [PORT].

ZONE is read anew for each question: lines of NAME TYPE TTL ADDRESS, where TYPE
is A or AAAA.  A line "silent" in place of these: no answer.  "turning": each
answer has one address less known than the one before, 10.78.x.y.
"""
import ipaddress
import socket
import struct
import sys

TYPES = {"A": 1, "AAAA": 28}
turn = 0


def records(path, name, kind):
    """(ttl, address bytes) of each answer, or None: say nothing."""
    global turn
    found = []
    with open(path, encoding="ascii") as zone:
        for line in zone:
            words = line.split()
            if words == ["silent"]:
                return None
            if words == ["turning"]:
                if kind == 1:
                    turn += 1
                    found.append((1, bytes([10, 78, turn // 256, turn % 256])))
            elif words and words[0] == name and TYPES[words[1]] == kind:
                found.append((int(words[2]),
                              ipaddress.ip_address(words[3]).packed))
    return found


def known(path, name):
    """Whether any line is about the name."""
    with open(path, encoding="ascii") as zone:
        return any(line.split()[0] in (name, "turning")
                   for line in zone if line.split())


def answer(path, question):
    """A message, or None."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    end = at + 5
    kind = struct.unpack_from("!H", question, at + 1)[0]
    name = ".".join(labels).lower()
    found = records(path, name, kind)
    if found is None:
        return None
    rcode = 0 if known(path, name) else 3
    out = question[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(found),
                                     0, 0) + question[12:end]
    for ttl, data in found:
        out += struct.pack("!HHHIH", 0xC00C, kind, 1, ttl, len(data)) + data
    return out


def main():
    """Serve until killed."""
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("0.0.0.0", int(sys.argv[2]) if len(sys.argv) > 2 else 53))
    print("serving", flush=True)
    while True:
        question, peer = here.recvfrom(4096)
        message = answer(sys.argv[1], question)
        if message is not None:
            here.sendto(message, peer)


main()
