# SPDX-License-Identifier: ISC
"""The hosts of a lab, which send what they like and hear all that comes."""

import ctypes
import json
import os
import random
import select
import socket
import subprocess
import time
from dataclasses import dataclass

import packets
from packets import ACK, RST, SYN
from reference import PORT, SENDING_ORDER, marked, now, sequence


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
