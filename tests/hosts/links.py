#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""
What another program with root's rights may do to the door, or past it: end its
link, or take all places of its kind, in the network namespace that this runs
in; or see a device's packets first.

    links.py detach     end all links of socket lookups
    links.py other      one program of its own, that chooses no socket
    links.py full       as many of them as there is room for, and none of
                        others'
    links.py tcx DEVICE one at tc of a device, which lets all go on

All but the first stay until they are killed.
"""

import ctypes
import os
import signal
import socket
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
PROG_LOAD, INFO, LINK_CREATE = 5, 15, 28
LINK_BY_ID, LINK_NEXT, LINK_DETACH = 30, 31, 34
SK_LOOKUP_PROGRAM, SK_LOOKUP_PLACE, LINK_OF_NETNS = 30, 36, 5
TC_PROGRAM, TCX_INGRESS, TCX_NEXT = 3, 46, -1

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    """bpf(2); the descriptor or 0, and what became of attr."""
    data = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    got = libc.syscall(SYS_BPF, command, data, 128)
    if got < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return got, data.raw


def own_netns():
    """The number of this network namespace."""
    return os.stat("/proc/self/ns/net").st_ino


def all_links():
    """Descriptors of all links of the host."""
    number = 0
    while True:
        try:
            number = struct.unpack_from("I", bpf(
                LINK_NEXT, struct.pack("I", number))[1], 4)[0]
        except FileNotFoundError:
            return
        try:
            yield bpf(LINK_BY_ID, struct.pack("I", number))[0]
        except FileNotFoundError:
            pass


def is_here(link):
    """Whether it is a socket lookup of this network namespace."""
    info = ctypes.create_string_buffer(128)
    bpf(INFO, struct.pack("IIQ", link, 128, ctypes.addressof(info)))
    kind, _, _, _, netns, place = struct.unpack_from("6I", info.raw)
    return (kind == LINK_OF_NETNS and netns == own_netns() and
            place == SK_LOOKUP_PLACE)


def detach(kept):
    """End them, but for our own."""
    for link in all_links():
        if is_here(link) and link_id(link) not in kept:
            bpf(LINK_DETACH, struct.pack("I", link))
        os.close(link)


def link_id(link):
    """Its number."""
    info = ctypes.create_string_buffer(128)
    bpf(INFO, struct.pack("IIQ", link, 128, ctypes.addressof(info)))
    return struct.unpack_from("I", info.raw, 4)[0]


def load(kind, place, verdict):
    """A program that always says the same."""
    insns = ctypes.create_string_buffer(
        struct.pack("BBhiBBhi", 0xb7, 0, 0, verdict, 0x95, 0, 0, 0))
    words = ctypes.create_string_buffer(b"GPL")
    return bpf(PROG_LOAD, struct.pack(
        "IIQQIIQII16sII", kind, 2, ctypes.addressof(insns),
        ctypes.addressof(words), 0, 0, 0, 0, 0, b"other", 0, place))[0]


def attach(program):
    """Its number; OSError where there is no room."""
    with open("/proc/self/ns/net", "rb") as netns:
        return link_id(bpf(LINK_CREATE, struct.pack(
            "III", program, netns.fileno(), SK_LOOKUP_PLACE))[0])


def fill(program):
    """Take all places, and those of others."""
    own = set()
    while len(own) < 64:
        try:
            own.add(attach(program))
        except OSError:
            detach(own)


def main():
    if sys.argv[1] == "detach":
        detach(set())
        return
    if sys.argv[1] == "tcx":
        bpf(LINK_CREATE, struct.pack(
            "III", load(TC_PROGRAM, TCX_INGRESS, TCX_NEXT),
            socket.if_nametoindex(sys.argv[2]), TCX_INGRESS))
    elif sys.argv[1] == "full":
        fill(load(SK_LOOKUP_PROGRAM, SK_LOOKUP_PLACE, 1))
    else:
        attach(load(SK_LOOKUP_PROGRAM, SK_LOOKUP_PLACE, 1))
    print("attached", flush=True)
    signal.pause()


main()
