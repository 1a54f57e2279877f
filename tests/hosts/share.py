# SPDX-License-Identifier: ISC
"""Groups that are sent to two servers at the same moment.

    share.py new FROM PORT ONE TWO FILE COUNT
        COUNT fresh groups (0: until SIGTERM), each to both; those that got in
        somewhere go to FILE
    share.py again FROM PORT ONE TWO FILE
        the groups of FILE once more, to both
    share.py each FROM PORT ONE TWO FILE COUNT
        fresh groups, the first to ONE alone, the next to TWO alone, ...

Prints how many groups there were, and how many got in at one of the servers,
at both, at none.  The key is number 10 of lib.sh, with 60 bits.
"""

import os
import random
import select
import signal
import socket
import sys
import time

import packets
import reference

SECRET = bytes.fromhex("A1949A68393EA4B339FB8A597C38DBC9")
KEY = reference.Key(10, "hmac-sha256", SECRET, 1)
ON_WAY = 64  # groups that have no answer yet
ANSWER = 1.5  # seconds: then there is none
PORTS = range(10000, 18000)  # of SYN0s; those of other frames follow


class Group:
    def __init__(self, seq, sport, window):
        self.seq, self.sport, self.window = seq, sport, window
        self.sent = time.monotonic()
        self.by = set()

    def frames(self, src, dst, port):
        for role in (2, 1, 3, 4, 0):
            yield packets.build_tcp(src, dst, self.sport + role * 8000, port,
                                    self.seq[role], window=self.window)

    def line(self):
        return " ".join(map(str, [self.sport, self.window, *self.seq]))

    @staticmethod
    def of(line):
        sport, window, *seq = map(int, line.split())
        return Group(seq, sport, window)


class Sender:
    def __init__(self, src, port, servers):
        family = socket.AF_INET6 if ":" in src else socket.AF_INET
        self.src, self.port, self.servers = src, port, servers
        self.out = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.answers = socket.socket(family, socket.SOCK_RAW,
                                     socket.IPPROTO_TCP)
        self.answers.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
        self.groups = {}
        self.on_way = 0

    def send(self, group, servers):
        """Frame by frame to each, so that both get SYN0 at once."""
        servers = random.sample(servers, len(servers))
        ways = [group.frames(self.src, dst, self.port) for dst in servers]
        for frames in zip(*ways):
            for dst, frame in zip(servers, frames):
                self.out.sendto(frame, (dst, 0))
        group.sent = time.monotonic()
        self.groups[group.seq[0]] = group

    def listen(self, seconds):
        until = time.monotonic() + seconds
        while True:
            left = max(0, until - time.monotonic())
            if not select.select([self.answers], [], [], left)[0]:
                return
            data, addr = self.answers.recvfrom(200)
            segment = data if ":" in self.src else data[20:]
            ack = int.from_bytes(segment[8:12], "big")
            group = self.groups.get((ack - 1) & 0xFFFFFFFF)
            if group and segment[13] & 0x17 == 0x12:
                group.by.add(addr[0])

    def waiting(self):
        now = time.monotonic()
        self.recent = [g for g in getattr(self, "recent", [])
                       if not g.by and now - g.sent < ANSWER]
        return len(self.recent)

    def run(self, groups, choose):
        for number, group in enumerate(groups):
            self.send(group, choose(number))
            self.waiting()
            self.recent.append(group)
            self.listen(0)
            while len(self.recent) >= ON_WAY:
                self.listen(0.002)
                self.waiting()
        while self.waiting():
            self.listen(0.02)
        self.listen(0.3)

    def report(self):
        sums = [sum(len(g.by) == n for g in self.groups.values())
                for n in range(3)]
        print(f"groups={len(self.groups)} one={sums[1]} both={sums[2]}"
              f" none={sums[0]}")


def fresh(count, port):
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    isn = random.getrandbits(32)
    number = 0
    while not stopped and (count == 0 or number < count):
        isn = (isn + 0x9E3779B1) & 0xFFFFFFFF
        seq = reference.sequence(KEY, port, isn, reference.now())
        yield Group(seq, PORTS[number % len(PORTS)], random.getrandbits(16))
        number += 1


def main():
    what, src, port, one, two, path = sys.argv[1:7]
    sender = Sender(src, int(port), [one, two])
    both = [one, two]
    if what == "again":
        with open(path) as lines:
            sender.run([Group.of(line) for line in lines], lambda n: both)
    else:
        groups = fresh(int(sys.argv[7]), int(port))
        if what == "each":
            sender.run(groups, lambda n: [both[n % 2]])
        else:
            sender.run(groups, lambda n: both)
        with open(path + ".new", "w") as out:
            for group in sender.groups.values():
                if group.by:
                    print(group.line(), file=out)
        os.rename(path + ".new", path)
    sender.report()


if __name__ == "__main__":
    main()
