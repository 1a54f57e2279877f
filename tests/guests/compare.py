# SPDX-License-Identifier: ISC
"""Compares what a guest says of its sockets with what was read from outside.

usage: compare.py CONSOLE sockets.json ASK...
ASK is a command that reads connections and prints whose they are.
"""

import ipaddress
import json
import subprocess
import sys

STATES = ["", "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1",
          "FIN-WAIT-2", "TIME-WAIT", "CLOSE", "CLOSE-WAIT", "LAST-ACK",
          "LISTEN", "CLOSING"]


def end(text):
    """0100090A:8CA2 of /proc/net/tcp as (address, port)."""
    digits, port = text.split(":")
    words = [bytes.fromhex(digits[i:i + 8])[::-1]
             for i in range(0, len(digits), 8)]
    return ipaddress.ip_address(b"".join(words)), int(port, 16)


def shown(at):
    """As tap shows it."""
    address, port = at
    return (f"{address}:{port}" if address.version == 4
            else f"[{spelled(address)}]:{port}")


def spelled(address):
    mapped = address.ipv4_mapped if address.version == 6 else None
    return f"::ffff:{mapped}" if mapped else str(address)


def truth(path):
    """By (pid, inode): what the guest said."""
    processes, holds, sockets = {}, [], {}
    with open(path, encoding="utf-8", errors="replace") as console:
        for line in console:
            words = line.split()
            if line.startswith("@p "):
                processes[words[1]] = words[2:]
            elif line.startswith("@s "):
                holds.append((words[1], words[2]))
            elif line.startswith("@n "):
                sockets[words[11]] = (end(words[3]), end(words[4]),
                                      STATES[int(words[5], 16)],
                                      int(words[9]))
    found = []
    for pid, inode in holds:
        if inode in sockets:
            local, remote, state, uid = sockets[inode]
            comm, euid, exe = (processes[pid] + ["", "", ""])[:3]
            if processes[pid][3:]:
                exe += " " + " ".join(processes[pid][3:])
            found.append({"pid": int(pid), "comm": comm, "euid": int(euid),
                          "exe": exe, "uid": uid, "state": state,
                          "local": local, "remote": remote})
    return found


def as_set(told):
    return {(t["pid"], t["comm"], t["euid"], t["uid"], t["state"],
             shown(t["local"]), shown(t["remote"])) for t in told}


def check(good, *what):
    if not good:
        print(*what)
        sys.exit(1)


def compare_list(told, path):
    with open(path, encoding="utf-8") as file:
        seen = {(s["process"]["pid"], s["process"]["comm"],
                 s["process"]["uid"], s["uid"], s["state"], s["local"],
                 s["remote"]) for s in json.load(file)}
    check(seen == as_set(told), "sockets: only in the guest:",
          sorted(as_set(told) - seen)[:5], "only outside:",
          sorted(seen - as_set(told))[:5])


def plain(at):
    """As packets have it: of IPv4, where it is."""
    address, port = at
    mapped = address.ipv4_mapped if address.version == 6 else None
    return f"{mapped or address} {port}"


def compare_each(told, command):
    asked = [t for t in told if t["state"] != "LISTEN"]
    lines = [f"{plain(t['local'])} {plain(t['remote'])}\n" for t in asked]
    answers = subprocess.run(command, input="".join(lines), text=True,
                             stdout=subprocess.PIPE,
                             check=True).stdout.splitlines()
    check(len(answers) == len(asked), "answers:", len(answers), "of",
          len(asked))
    for t, line in zip(asked, answers):
        holders = [h for h in asked if h["local"] == t["local"] and
                   h["remote"] == t["remote"]]
        first = min(holders, key=lambda h: h["pid"])
        want = [0, t["uid"], first["pid"], first["comm"], first["euid"],
                len(holders), first["exe"]]
        answer = line.split(" ", 6)
        got = [int(a) for a in answer[:3]] + [answer[3]] + \
            [int(a) for a in answer[4:6]] + [answer[6]]
        check(got == want, "asked for", shown(t["local"]), "got", got,
              "want", want)


def main():
    told = truth(sys.argv[1])
    check(len(told) >= 10, "the guest says too little:", len(told))
    compare_list(told, sys.argv[2])
    compare_each(told, sys.argv[3:])
    print(len(told))


main()
