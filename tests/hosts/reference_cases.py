# SPDX-License-Identifier: ISC
"""The client of reference.py, and a forger of its frames, against a server.

    reference_cases.py names                    the names of all cases
    reference_cases.py case NAME NET 4|6 TAP    one, in a lab: hosts server,
                                                client and stranger of NET
"""

import itertools
import json
import random
import sys
import time
from dataclasses import replace

from packets import ACK, FIN, PSH, SYN
from reference import (FUTURE, GOOD, KEYS, LONG, LONG_ENOUGH, LONGER, LONGEST,
                       LOOSE_PORT, MARKS, MD5, OTHER, PAST, PORT, SECRETS,
                       SHORT, TIGHT_PORT, authenticator, marked, now)
from reference_lab import Frame, in_order, Lab


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


def told_of(lab, before, tries):
    """How many wrong groups were looked at, and how many were not."""
    until = time.monotonic() + lab.PATIENCE
    while True:
        after = lab.status()
        mac = after["mac"] - before["mac"]
        guess = after["guess"] - before["guess"]
        if mac + guess >= tries:
            return mac, guess
        assert time.monotonic() < until, after
        time.sleep(0.02)


def guesses(lab):
    """Guesses at 30 bits run out, for the address they come from alone."""
    wrong = replace(MD5, secret=SECRETS[1])
    tries = 40
    before = lab.status()
    for _ in range(tries):
        lab.send(in_order(lab.group(wrong)), host=lab.stranger)
    mac, guess = told_of(lab, before, tries)
    assert mac + guess == tries and 8 <= mac <= 30, (mac, guess)
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
        # Right behind more than may have come back since.
        lab.told()
        before = lab.status()
        tries = [lab.group(wrong) for _ in range(9)] + [frames]
        lab.send([frame for group in tries for frame in in_order(group)])
        told_of(lab, before, len(tries))
        lab.silence()
        assert lab.status()["accepted"] == before["accepted"]
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
    if sys.argv[1] == "names":
        print("\n".join(CASES))
    else:
        name, net, family, tap = sys.argv[2:]
        {**CASES, **ERRANDS}[name](Lab(net, int(family), tap))


if __name__ == "__main__":
    main()
