# SPDX-License-Identifier: ISC
"""The two ends of tap probe-path, made anew; honest ones and others.

usage: path_peer.py far PORT MODE
       path_peer.py near HOST PORT MODE [NEAR-ADDRESS]

The far side serves one connection.  The near side prints what it is told, a
line for each message, and "closed" at the end.  The modes are the functions
under MODES.
"""

import os
import socket
import struct
import sys
import time

from packets import ACK, RST, SYN, Packet, build_tcp

(HELLO, WELCOME, PROOF, ASK, CLOCK, PLAN, READY, SEEN, END, DONE,
 REFUSED) = range(1, 12)
NAMES = ("", "hello", "welcome", "proof", "ask", "clock", "plan", "ready",
         "seen", "end", "done", "refused")
NONCE = bytes(16)


def message(kind, body=b""):
    return struct.pack(">I", kind << 24 | len(body)) + body


def read(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def receive(sock):
    word, = struct.unpack(">I", read(sock, 4))
    return word >> 24, read(sock, word & 0xFFFFFF)


# ---- the far side


def now(skew=0):
    return time.time_ns() + skew * 10**9


def seen(packet, control=0, ns=None):
    return message(SEEN, struct.pack(">QB", ns or now(), control) + packet)


def begin(sock, skew=0):
    """Up to the plan: its packets, and which is the connection's."""
    assert receive(sock)[0] == HELLO
    sock.sendall(message(WELCOME, struct.pack(">HB", 1, 0) + NONCE))
    while True:
        kind, body = receive(sock)
        if kind == PLAN:
            break
        assert kind == ASK
        sock.sendall(message(CLOCK, body + struct.pack(">QQ", now(skew),
                                                       now(skew))))
    sock.sendall(message(READY))
    return [(" connection " in line, bytes.fromhex(line.split()[-1]))
            for line in body.decode().splitlines()
            if line.startswith("probe ")]


def wait_end(sock):
    while receive(sock)[0] != END:
        pass


def honest(sock, skew=0):
    """As if all of the plan arrived as it was sent."""
    for control, packet in begin(sock, skew):
        sock.sendall(seen(packet, control))
    wait_end(sock)
    sock.sendall(message(DONE, bytes(4)))


def ahead(sock):
    honest(sock, 100)


def behind(sock):
    honest(sock, -100)


def half(sock):
    packets = begin(sock)
    for control, packet in packets[:len(packets) // 2]:
        sock.sendall(seen(packet, control))


def nothing(sock):
    """Ends once the plan is there."""
    begin(sock)


def silent(sock):
    sock.recv(1 << 16)
    time.sleep(60)


def garbage(sock):
    sock.sendall(os.urandom(1 << 20))


def huge(sock):
    begin(sock)
    sock.sendall(struct.pack(">I", SEEN << 24 | 0xFFFFFF))
    while True:
        sock.sendall(bytes(1 << 16))


def endless(sock):
    for _, packet in begin(sock)[:1]:
        while True:
            sock.sendall(seen(packet) * 100)


def clocks(sock):
    """Times without end, that nobody asked for."""
    begin(sock)
    while True:
        sock.sendall(message(CLOCK, bytes(24)) * 100)


def lies(sock):
    """Packets that are none, and DONE."""
    begin(sock)
    for length in range(1, 192):
        sock.sendall(seen(os.urandom(length)))
        sock.sendall(seen(b"\x45" + os.urandom(length)))
        sock.sendall(seen(b"\x60" + os.urandom(length), 1))
    wait_end(sock)
    sock.sendall(message(DONE, bytes(4)))


def version(sock):
    receive(sock)
    sock.sendall(message(WELCOME, struct.pack(">HB", 2, 0) + NONCE))
    sock.recv(1)


def far(port, mode):
    with socket.create_server(("", port), family=socket.AF_INET6,
                              dualstack_ipv6=True) as listener:
        print("ready", flush=True)
        sock, _ = listener.accept()
        with sock:
            try:
                mode(sock)
            except (EOFError, ConnectionError):
                pass


# ---- the near side


def hello(has_key=0):
    return message(HELLO, b"tap-path" + struct.pack(">HHB", 1, 0, has_key) +
                   NONCE)


def plan(near_address, far_address, port, packets):
    lines = ["tap path plan 1", f"near {near_address}", f"far {far_address}",
             f"port {port}", "rounds 1"]
    lines += [f"probe field sequence 0 {p.hex()}" for p in packets]
    return message(PLAN, "\n".join(lines + ["end", ""]).encode())


def tell(sock):
    sock.settimeout(20)
    try:
        while True:
            kind, body = receive(sock)
            print(NAMES[kind], body.hex(), flush=True)
            if kind == DONE:
                return
    except (EOFError, ConnectionError):
        print("closed", flush=True)


def send_raw(packet, host):
    """With the source that it names, whosever that is."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(packet, (host, 0))


def forge(sock, host, port, other):
    """Announce SYNs of two sources, send them, and hear what is told."""
    packets = [build_tcp(source, host, 1234, port, 0x12345678 + n)
               for n, source in enumerate((other, sock.getsockname()[0]))]
    sock.sendall(hello() + plan(other, host, port, packets))
    while receive(sock)[0] != READY:
        pass
    for packet in packets:
        send_raw(packet, host)
    until = time.monotonic() + 20
    answered = set()
    # The other's was answered before one's own was.
    while sock.getsockname()[0] not in answered:
        assert time.monotonic() < until
        kind, body = receive(sock)
        packet = Packet(body[9:]) if kind == SEEN else None
        if packet and packet.flags & (ACK | RST):
            print("answer to", packet.dst, f"{packet.seq:08x}", flush=True)
            answered.add(packet.dst)
    sock.sendall(message(END))


def near(host, port, mode, address=None):
    if mode == "plans":
        # As many as it takes at a time, as large as they may be.
        packets = [build_tcp(address, host, 1024 + n, port, n << 16)
                   for n in range(800)]
        told = plan(address, host, port, packets)
        socks = [socket.create_connection((host, port)) for _ in range(4)]
        taken = 0
        for sock in socks:
            try:
                sock.sendall(hello() + told)
                while receive(sock)[0] != READY:
                    pass
                taken += 1
            except (EOFError, ConnectionError):
                pass
        print("ready", taken, flush=True)
        time.sleep(60)
        return
    if mode == "sessions":
        probe = build_tcp(address, host, 1234, port, 0x12345678)
        for _ in range(200):
            with socket.create_connection((host, port)) as sock:
                sock.sendall(hello() + plan(address, host, port, [probe]) +
                             message(END))
                while receive(sock)[0] != DONE:
                    pass
                assert not sock.recv(1)
        return
    if mode == "flood":
        # SYNs that are in no plan, as many as there can be.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        packet = build_tcp(address, host, 1, port, 1)
        until = time.monotonic() + 60
        with socket.socket(family, socket.SOCK_RAW,
                           socket.IPPROTO_RAW) as raw:
            print("ready", flush=True)
            while time.monotonic() < until:
                for _ in range(1000):
                    raw.sendto(packet, (host, 0))
        return
    if mode == "hog":
        socks = [socket.create_connection((host, port)) for _ in range(20)]
        print("ready", flush=True)
        time.sleep(60)
        del socks
        return
    sock = socket.create_connection((host, port))
    own = sock.getsockname()
    probe = build_tcp(address or own[0], host, 1234, port, 0x12345678)
    if mode == "garbage":
        sock.sendall(os.urandom(1 << 16))
    elif mode == "web":
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    elif mode == "no-key":
        sock.sendall(hello())
        sock.sendall(plan(own[0], host, port, [probe]))
    elif mode == "wrong-key":
        sock.sendall(hello(1) + message(PROOF, bytes(32)))
    elif mode == "no-hello":
        sock.sendall(plan(own[0], host, port, [probe]))
    elif mode == "huge":
        sock.sendall(hello() + struct.pack(">I", PLAN << 24 | 0xFFFFFF))
    elif mode == "many":
        sock.sendall(hello() + plan(own[0], host, port, [probe] * 2000))
    elif mode == "nonsense":
        sock.sendall(hello() + message(PLAN, b"tap path plan 1\nfar\n"))
    elif mode == "deaf":
        # Questions without end, and no answer is read.
        sock.sendall(hello())
        sock.settimeout(2)
        try:
            while True:
                sock.sendall(message(ASK, bytes(8)) * 1000)
        except TimeoutError:
            print("full", flush=True)
        except ConnectionError:
            print("closed", flush=True)
        return
    elif mode == "fish":
        # A stranger's SYN, as far as it can be guessed.
        guess = build_tcp(address, host, 40000, port, 1)
        sock.sendall(hello() + plan(own[0], host, port, [guess]))
        print("ready", flush=True)
        sys.stdin.readline()
        sock.sendall(message(END))
    elif mode == "forge":
        forge(sock, host, port, address)
    elif mode == "reused":
        # From a port from which a SYN came before.
        source = own[1]
        sock.close()
        with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                           socket.IPPROTO_RAW) as raw:
            raw.sendto(build_tcp(own[0], host, source + 1, port, 0x0BADF00D,
                                 flags=SYN), (host, 0))
        sock = socket.create_connection((host, port),
                                        source_address=(own[0], source + 1))
        probe = build_tcp(own[0], host, 1234, port, 0x12345678)
        sock.sendall(hello() + plan(own[0], host, port, [probe]) +
                     message(END))
    tell(sock)


MODES = {f.__name__: f for f in (honest, ahead, behind, half, nothing, silent,
                                 garbage, huge, endless, clocks, lies,
                                 version)}

if sys.argv[1] == "far":
    far(int(sys.argv[2]), MODES[sys.argv[3]])
else:
    near(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
