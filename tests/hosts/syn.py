# SPDX-License-Identifier: ISC
"""syn.py fastopen|md5 HOST PORT: connect as few programs do, and get a page.

fastopen: the request goes out in the SYN (RFC 7413); md5: the SYN is signed
(RFC 2385).  Prints the page; gives up after ten seconds.
"""

import socket
import struct
import sys

TCP_MD5SIG = 14
REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def sign(sock, host, port):
    if sock.family == socket.AF_INET:
        address = struct.pack("=H", socket.AF_INET) + struct.pack(">H", port)
        address += socket.inet_pton(socket.AF_INET, host)
    else:
        address = struct.pack("=H", socket.AF_INET6) + struct.pack(
            ">HI", port, 0) + socket.inet_pton(socket.AF_INET6, host)
    key = b"secret"
    sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, struct.pack(
        "=128sBBHi80s", address, 0, 0, len(key), 0, key))


def main():
    how, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.settimeout(10)
    if how == "fastopen":
        sock.sendto(REQUEST, socket.MSG_FASTOPEN, (host, port))
    else:
        sign(sock, host, port)
        sock.settimeout(3)
        sock.connect((host, port))
        sock.sendall(REQUEST)
    page = b""
    while part := sock.recv(65536):
        page += part
    print(page.decode().rpartition("\r\n")[2])


main()
