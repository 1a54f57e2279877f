#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
#
# One end of a tunnel whose packets have no link's header: what the host
# sends into a device goes to the other end, in UDP.
# usage: tun.py DEVICE OWN-ADDRESS OTHER-ADDRESS

import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
PORT = 7000

device = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(device, TUNSETIFF,
            struct.pack("16sH22x", sys.argv[1].encode(), IFF_TUN | IFF_NO_PI))
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
wire.bind((sys.argv[2], PORT))
print("ready", flush=True)
while True:
    for ready in select.select([device, wire], [], [])[0]:
        if ready is wire:
            try:
                os.write(device, wire.recv(65536))
            except OSError:
                pass  # the device is not up yet
        else:
            wire.sendto(os.read(device, 65536), (sys.argv[3], PORT))
