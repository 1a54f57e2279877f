# SPDX-License-Identifier: ISC
"""Both ends of a connection say much, each in its own time.

duplex.py serve PORT BYTES: sends so many to whom comes first, ends its side,
and only then reads, to the end.
duplex.py trickle PORT BYTES: sends so many, each by itself, and says so.
duplex.py first|last BYTES COMMAND...: writes so many to COMMAND, and only then
reads, to the end; or the other way round.
Each prints the number and the digest of what it has read.
"""
import hashlib
import socket
import subprocess
import sys

CHUNK = 1 << 16


def pieces(count, seed):
    """So many bytes, which another seed makes others."""
    while count > 0:
        size = min(count, CHUNK)
        block = hashlib.sha256(b"%d %d" % (seed, count)).digest()
        yield (block * (CHUNK // len(block)))[:size]
        count -= size


def digest(chunks):
    """What is printed of it."""
    total, sha = 0, hashlib.sha256()
    for chunk in chunks:
        total += len(chunk)
        sha.update(chunk)
    return f"{total} {sha.hexdigest()}"


def serve(port, count):
    """The far end."""
    here = socket.create_server(("::", port), family=socket.AF_INET6,
                                dualstack_ipv6=True)
    print("serving", flush=True)
    there = here.accept()[0]
    for piece in pieces(count, port):
        there.sendall(piece)
    there.shutdown(socket.SHUT_WR)
    print("read", digest(iter(lambda: there.recv(CHUNK), b"")), flush=True)


def trickle(port, count):
    """A far end that has much to say, and little at a time."""
    here = socket.create_server(("::", port), family=socket.AF_INET6,
                                dualstack_ipv6=True)
    print("serving", flush=True)
    there = here.accept()[0]
    there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(count):
        there.sendall(b".")
    print("sent", flush=True)
    there.shutdown(socket.SHUT_WR)
    there.recv(1)


def near(order, count, command):
    """The near end."""
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, bufsize=0) as child:
        got = None
        if order == "last":
            got = digest(iter(lambda: child.stdout.read(CHUNK), b""))
        for piece in pieces(count, 0):
            while piece:
                piece = piece[child.stdin.write(piece):]
        child.stdin.close()
        print("read", got or
              digest(iter(lambda: child.stdout.read(CHUNK), b"")))
    sys.exit(child.returncode)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]), int(sys.argv[3]))
elif sys.argv[1] == "trickle":
    trickle(int(sys.argv[2]), int(sys.argv[3]))
elif sys.argv[1] in ("first", "last"):
    near(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
else:
    # What the two are to have read: duplex.py digests PORT BYTES
    for start in (int(sys.argv[2]), 0):
        print("read", digest(pieces(int(sys.argv[3]), start)))
