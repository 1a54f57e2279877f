# SPDX-License-Identifier: ISC
"""What a server remembers of the groups it accepted.

    memory.py kills NET 4|6 TAP WORK ROUNDS
    memory.py damages NET 4|6 TAP WORK
    memory.py other NET 4|6 TAP WORK WHAT
    memory.py succeed NET 4|6 TAP WORK REPLAY_FILE
    memory.py ahead NET 4|6 TAP WORK

kills: kills the server at random instants while groups come in, and sends them
again to its successor.  damages: damages its file at every kind of place.
other: starts it with another file than it left, made by WHAT.  succeed: its
workers end, by a reload or a kill, and others follow.  ahead: the kernel lets
groups in that nobody has read of when all ends.  WORK has TAPservd.conf,
keys and ACL.conf, and gets lib, its /var/lib.
"""

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

from reference import KEYS, SENDING_ORDER
from reference_lab import Lab

PATIENCE = 30
HEADER = 4096
SLOT = 16


class Server:
    """The server as a process that can be killed."""

    def __init__(self, net, tap, work):
        self.command = [tap, "server", "-c", f"{work}/TAPservd.conf", "-k",
                        f"{work}/keys", "-a", f"{work}/ACL.conf"]
        self.net = net
        self.conf = f"{work}/TAPservd.conf"
        self.lib = f"{work}/lib"
        self.memory = f"{work}/lib/tap/replay-5040"
        self.path = f"{work}/server.log"
        self.mounts = "true"  # a command, with what else to mount
        self.process = None
        os.makedirs(self.lib, exist_ok=True)

    def set(self, setting):
        with open(self.conf, encoding="ascii") as file:
            text = file.read()
        with open(self.conf, "w", encoding="ascii") as file:
            file.write(f"{setting}\n{text}")

    def start(self):
        script = f'mount --bind "$0" /var/lib && {self.mounts} && exec "$@"'
        with open(self.path, "ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", f"{self.net}-server", "sh", "-c",
                 script, self.lib, *self.command], stderr=log)
        until = time.monotonic() + PATIENCE
        while ": ready:" not in self.log(before):
            assert self.process.poll() is None, "it ended at once"
            assert time.monotonic() < until, "it is not ready"
            time.sleep(0.01)
        return self.log(before)

    def log(self, begin=0):
        with open(self.path, encoding="utf-8") as log:
            log.seek(begin)
            return log.read()

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()

    def accepted(self):
        """The source ports of all that was accepted, ever."""
        return [int(port) for port in re.findall(
            r": accepted key=\d+ .*src=\S*:(\d+) dst=", self.log())]


KEY = next(key for key in KEYS if key.suite == "hmac-sha256" and
           key.extra == 1 and not key.realm and not key.more)


def new_group(lab):
    """One whose SYN0 has a port of its own; the other frames' may recur."""
    first = lab.sport
    group = lab.group(KEY)
    for frame in group[1:]:
        frame.sport = 1024 + (frame.sport * 7 + 13) % 60000
    lab.sport = first + 1
    group[0].sport = lab.sport
    assert lab.sport < 65000
    return group


def send(lab, group):
    """In the order that a client sends, which counts when many come."""
    lab.send([group[role] for role in SENDING_ORDER if role < len(group)])


def gets_in(lab):
    """A new group does, or the next one.

    A server that begins without knowing all refuses, for as long as its
    program in the kernel lets groups in that are ahead, what is just made.
    """
    until = time.monotonic() + lab.PATIENCE
    while True:
        before = after = lab.status()
        send(lab, new_group(lab))
        while (after["accepted"], after["replay"]) == \
                (before["accepted"], before["replay"]):
            assert time.monotonic() < until, "neither accepted nor refused"
            time.sleep(0.02)
            after = lab.status()
        if after["accepted"] > before["accepted"]:
            return
        assert time.monotonic() < until, "refused for longer than a moment"


def check_remembered(lab, groups, fresh_too=True):
    """None of these gets in again; a new one does."""
    before = lab.status()
    for group in groups:
        send(lab, group)
    if groups:
        lab.counts(before, replay=len(groups))
    if fresh_too:
        gets_in(lab)


def sweep(lab):
    """What connections there are, their hosts forget."""
    for host in ("client", "server"):
        subprocess.run(
            ["ip", "netns", "exec", f"{lab.net}-{host}", "ss", "-K", "-H",
             "state", "syn-recv"], check=False, capture_output=True)


def once_each(server):
    ports = server.accepted()
    twice = {port for port in ports if ports.count(port) > 1}
    assert not twice, f"accepted twice: {twice}"
    return set(ports)


def kills(lab, server, rounds):
    lab.sport = 1024
    by_port = {}
    known = set()
    for number in range(rounds):
        said = server.start()
        assert not number or "refused" not in said.split(": ready:")[0], said
        # The newest are those that a kill may have caught half written.
        last = sorted(known)[-30:]
        others = sorted(known - set(last))
        again = last + random.sample(others, min(20, len(others)))
        check_remembered(lab, [by_port[port] for port in again])
        timer = threading.Timer(random.uniform(0.0, 0.12), server.kill)
        timer.start()
        while timer.is_alive():
            group = new_group(lab)
            by_port[group[0].sport] = group
            send(lab, group)
        timer.join()
        known = once_each(server) & set(by_port)
        sweep(lab)
    said = server.start()
    assert len(known) > 10 * rounds, f"only {len(known)} were accepted"
    groups = [by_port[port] for port in known]
    for at in range(0, len(groups), 200):
        check_remembered(lab, groups[at:at + 200], fresh_too=False)
    once_each(server)
    print(f"{rounds} kills, {len(by_port)} groups sent, {len(known)} accepted, "
          "each once")
    server.kill(signal.SIGTERM)


def places(path):
    """(name, offset) of every kind of place in a file with groups in it."""
    with open(path, "rb") as file:
        data = file.read()
    named = {"magic": 0, "version": 11, "capacity": 15, "boot": 20,
             "machine": 40, "begin": 48, "begin's check": 63, "ahead": 64,
             "header's rest": 100, "header's end": HEADER - 1}
    for bit in range(8):
        named[f"floor, byte {bit}"] = HEADER + bit
    used = free = None
    end = HEADER + 8 + SLOT * struct.unpack(">I", data[12:16])[0]
    for at in range(HEADER + 8, end, SLOT):
        _, sealed = struct.unpack("<QQ", data[at:at + SLOT])
        if sealed & ((1 << 40) - 1):
            used = used or at
        else:
            free = free or at
    assert used and free
    for byte in range(8):
        named[f"a tag, byte {byte}"] = used + byte
        named[f"an instant, byte {byte}"] = used + 8 + byte
    named["an empty slot's seal"] = free + 8 + 6
    named["an empty slot's instant"] = free + 8
    named["the last byte"] = end - 1
    named["a connection"] = len(data) - 1
    return named


def refused_from_before(lab, server, groups, what):
    """Starts, twice; what was there before is refused, what comes gets in."""
    said = []
    for group in groups[:2]:
        said.append(server.start())
        check_remembered(lab, [group])
        once_each(server)
        server.kill(random.choice((signal.SIGTERM, signal.SIGKILL)))
        sweep(lab)
    print(f"{what}: {said[0].strip().splitlines()[0]}")
    return said[0]


def prepare(lab, server):
    """A file with a group in it; both."""
    server.start()
    groups = [new_group(lab) for _ in range(3)]
    before = lab.status()
    for group in groups:
        send(lab, group)
    lab.counts(before, accepted=3)
    server.kill()
    sweep(lab)
    return server.memory, groups


def damages(lab, server):
    path, groups = prepare(lab, server)
    shutil.copy2(path, path + ".good")
    for name, at in places(path).items():
        shutil.copy2(path + ".good", path)
        with open(path, "r+b") as file:
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(bytes([old ^ 0x10]))
        said = refused_from_before(lab, server, groups, name)
        # Another boot is no damage, nor is a kernel that accepted groups; there
        # is no memory either, without a word.  In the table of connections is
        # nothing that may not be anything.
        assert "refused" in said.split(": ready:")[0] or \
            name in ("boot", "ahead", "a connection"), \
            f"{name}: nothing said: {said}"
    for size in (0, 1, 100, HEADER, HEADER + 7, HEADER + 1000):
        shutil.copy2(path + ".good", path)
        os.truncate(path, size)
        refused_from_before(lab, server, groups, f"{size} bytes")
    for change in (-1, 1, 4096):
        shutil.copy2(path + ".good", path)
        os.truncate(path, os.path.getsize(path) + change)
        said = refused_from_before(lab, server, groups, f"{change:+d} bytes")
        assert "no replay memory of this host and size" in said, said


def other_size(path, server):
    del path
    server.set("replays=5000")
    return "no replay memory of this host and size"


def foreign(path, server):
    del server
    with open(path, "wb") as file:
        file.write(random.randbytes(random.randrange(1, 1 << 20)))
    return "no replay memory of this host and size"


def link(path, server):
    del server
    os.rename(path, path + "2")
    os.symlink(path + "2", path)
    return "is a symbolic link; replays are remembered in memory only"


def directory(path, server):
    del server
    os.remove(path)
    os.mkdir(path)
    return "in memory only"


def shared(path, server):
    del server
    os.chmod(path, 0o662)
    return "others than this user may write it"


def pipe(path, server):
    del server
    os.remove(path)
    os.mkfifo(path)
    return "is no regular file"


def full_disk(path, server):
    """Too small for the file, which has to be made there anew."""
    server.mounts = "mount -t tmpfs -o size=256k none /var/lib/tap"
    del path
    return "No space left on device; replays are remembered in memory only"


def used(path, server):
    """By another server: its lock is what tells."""
    holder = subprocess.Popen(["flock", "-F", "-x", path,
                               "sleep", "1000"])
    server.holder = holder
    until = time.monotonic() + PATIENCE
    while subprocess.run(["flock", "-n", path, "true"],
                         check=False).returncode == 0:
        assert time.monotonic() < until
        time.sleep(0.01)
    return "another server uses it; replays are remembered in memory only"


def other(lab, server, what):
    path, groups = prepare(lab, server)
    wanted = {"size": other_size, "foreign": foreign, "link": link,
              "directory": directory, "shared": shared, "pipe": pipe,
              "full-disk": full_disk, "used": used}[what](path, server)
    try:
        said = refused_from_before(lab, server, groups, what)
        assert wanted in said, said
    finally:
        if what == "used":
            server.holder.terminate()


def workers(server):
    """The worker's process: of the children, the one that is not root's."""
    found = subprocess.run(
        ["ps", "-o", "pid=,uid=", "--ppid", str(server.process.pid)],
        check=True, capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in found.splitlines()
            if line.split()[1] != "0"]


def succeed(lab, server, file):
    """Workers come and go; their successors know what they knew."""
    server.set(f"replay_file={file}")
    server.start()
    groups = []
    for what in ("reload", "kill", "reload", "kill"):
        before = lab.status()
        groups.append(new_group(lab))
        send(lab, groups[-1])
        lab.counts(before, accepted=1)
        wanted = ": reloaded:" if what == "reload" else "ended by signal 9"
        count = server.log().count(wanted)
        if what == "reload":
            server.process.send_signal(signal.SIGHUP)
        else:
            pid, = workers(server)
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while server.log().count(wanted) == count:
            assert time.monotonic() < until, f"no '{wanted}'"
            time.sleep(0.01)
        # Frames of before stay their second, and would be duplicates.
        lab.drained()
        for group in groups:
            check_remembered(lab, [group], fresh_too=False)
    once_each(server)
    assert lab.status()["worker_restarts"] == 2
    server.kill(signal.SIGTERM)
    # After the end of the process, a file knows what memory does not.
    server.start()
    check_remembered(lab, groups)
    once_each(server)


def wait_until(what, condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(0.01)


def accepting(lab):
    """The kernel lets groups in by itself."""
    def one_more():
        before = lab.status()["ingress_accepted"]
        send(lab, new_group(lab))
        return lab.status()["ingress_accepted"] > before

    wait_until("the kernel accepts", one_more)


def accepted_ahead(lab, server, count):
    """Groups that get in while the worker is stopped; and the worker."""
    worker, = workers(server)
    accepting(lab)
    os.kill(worker, signal.SIGSTOP)
    before = lab.status()["ingress_accepted"]
    groups = [new_group(lab) for _ in range(count)]
    for group in groups:
        send(lab, group)
    wait_until("all get in", lambda: lab.status()["ingress_accepted"] ==
               before + count)
    assert not {g[0].sport for g in groups} & set(server.accepted())
    return worker, groups


def cannot_accept(lab):
    wait_until("the fast path", lambda: lab.status()["fastpath_reason"] !=
               "not yet")
    status = lab.status()
    return status["fastpath"] == "off" and status["fastpath_reason"]


def ahead(lab, server, skip):
    server.set("fastpath=auto")
    server.start()
    why = cannot_accept(lab)
    if why:
        with open(skip, "w", encoding="ascii") as file:
            file.write(why)
        return
    # The worker's successor reads what it did not.
    worker, groups = accepted_ahead(lab, server, 5)
    os.kill(worker, signal.SIGKILL)
    wait_until("the log", lambda: {g[0].sport for g in groups} <=
               set(server.accepted()))
    check_remembered(lab, groups)
    once_each(server)
    # Nobody reads it: then all from before is refused.
    groups += accepted_ahead(lab, server, 5)[1] + [new_group(lab)]
    server.kill()
    sweep(lab)
    server.start()
    check_remembered(lab, groups)
    once_each(server)
    # In an orderly end the worker does, as soon as it goes on; the monitor
    # waits for it a while.
    worker, groups = accepted_ahead(lab, server, 5)
    unsent = new_group(lab)
    timer = threading.Timer(0.2, os.kill, (worker, signal.SIGCONT))
    timer.start()
    server.kill(signal.SIGTERM)
    timer.join()
    sweep(lab)
    server.start()
    check_remembered(lab, groups)
    before = lab.status()
    send(lab, unsent)
    lab.counts(before, accepted=1)
    once_each(server)
    # One that hangs reads no more: then all from before is refused.
    groups += accepted_ahead(lab, server, 5)[1] + [new_group(lab)]
    server.kill(signal.SIGTERM)
    sweep(lab)
    server.start()
    check_remembered(lab, groups)
    once_each(server)


def main():
    tool, net, family, tap, work, *more = sys.argv[1:]
    lab = Lab(net, int(family), tap)
    server = Server(net, tap, work)
    try:
        if tool == "kills":
            kills(lab, server, int(more[0]))
        elif tool == "damages":
            damages(lab, server)
        elif tool == "succeed":
            succeed(lab, server, more[0])
        elif tool == "ahead":
            ahead(lab, server, f"{work}/skip")
        else:
            other(lab, server, more[0])
    finally:
        if server.process and server.process.poll() is None:
            server.kill()


if __name__ == "__main__":
    main()
