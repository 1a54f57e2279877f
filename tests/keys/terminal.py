#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs a command on a terminal of its own, and types what it is asked for.

usage: terminal.py [--answer TEXT]... [--paste TEXT]... [--signal N] COMMAND...

What the terminal shows goes to standard output. An answer is typed when a
question, which ends in ": ", waits without echo, and what is pasted behind a
line that ends in ":". With --signal the first question is answered by that
signal first. The last line tells whether the terminal has its echo back. Exits
as the command does.
"""
import os
import pty
import select
import signal
import sys
import termios
import time

PATIENCE = 60


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def main():
    args = sys.argv[1:]
    answers, pastes, number = [], [], None
    while args[0].startswith("--"):
        if args[0] == "--answer":
            answers.append(args[1])
        elif args[0] == "--paste":
            pastes.append(args[1])
        else:
            number = int(args[1])
        args = args[2:]
    pid, fd = pty.fork()
    if pid == 0:
        # What a shell has its jobs in the background ignore.
        for ignored in signal.SIGINT, signal.SIGQUIT:
            signal.signal(ignored, signal.SIG_DFL)
        os.execvp(args[0], args)
    shown = b""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        readable, _, _ = select.select([fd], [], [], 0.05)
        if readable:
            try:
                data = os.read(fd, 4096)
            except OSError:
                break
            if not data:
                break
            shown += data
        elif shown.endswith((b": ", b"(signal)")) and not echoes(fd):
            if number is not None:
                os.kill(pid, number)
                number = None
                shown += b"(signal)"
            elif answers:
                os.write(fd, answers.pop(0).encode() + b"\n")
                shown += b"(typed)"
        elif shown.endswith(b":\r\n") and pastes:
            os.write(fd, pastes.pop(0).encode() + b"\n")
            shown += b"(pasted)"
    sys.stdout.write(shown.decode(errors="replace").replace("\r", ""))
    try:
        print("echo is", "on" if echoes(fd) else "off")
    except termios.error:
        print("echo is gone")
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status) % 256)


signal.alarm(2 * PATIENCE)
main()
