#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A terminal for a program, and somebody before it who does what is told.

usage: terminal.py COLUMNS LINES COMMAND...

Reads steps, a line each, and says "N done" after each; where one is not
possible within some seconds, it shows the screen and ends with 1.

    see REGEX           until a line of the screen matches
    not REGEX           no line does now
    type TEXT           as Python spells it: \\x1b[B
    resize COLUMNS LINES
    kill NUMBER         a signal
    plain | coloured    whether there was ever a colour
    pause               stops it, as Ctrl-Z does, and lets it go on; stopped, it
                        leaves all as it found it
    end STATUS          until it has ended so (below 0: by a signal), and all
                        is again as it found it
"""

import ast
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

SECONDS = 14
PART = re.compile(r"\x1b(\[[0-9;?]*)?$")
COMMAND = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Screen:
    """As much of a terminal as a page needs."""

    def __init__(self, columns, lines):
        self.rest = ""
        self.modes = {"?25": True, "?7": True, "?1049": False}
        self.colours = 0
        self.wanted = self.next = None
        self.resize(columns, lines)

    def resize(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.text = [[" "] * columns for _ in range(lines)]
        self.x = self.y = 0

    def command(self, numbers, letter):
        if letter == "H":
            line, _, column = (numbers or "1;1").partition(";")
            # A page for the size of before may have been on its way: the
            # first of the new one has its foot there.
            if numbers and self.wanted and self.wanted[1] == int(line):
                self.next, self.wanted = self.wanted, None
            elif not numbers and self.next:
                self.resize(*self.next)
                self.next = None
            self.y, self.x = int(line) - 1, int(column or 1) - 1
        elif letter == "K":
            self.text[self.y][self.x:] = [" "] * (self.columns - self.x)
        elif letter == "J":
            self.command(numbers, "K")
            for y in range(self.y + 1, self.lines):
                self.text[y] = [" "] * self.columns
        elif letter in "hl":
            self.modes[numbers] = letter == "h"
        elif letter == "m":
            self.colours += 1
        else:
            raise ValueError("what is ESC [ " + numbers + letter)

    def put(self, char):
        if char == "\r":
            self.x = 0
        elif char == "\n":
            self.y += 1
            if self.y == self.lines:
                raise ValueError("the page is too long")
        elif self.x < self.columns:
            self.text[self.y][self.x] = char
            self.x += 1
        else:
            raise ValueError("a line is too long")

    def show(self, text):
        text = self.rest + text
        part = PART.search(text)
        self.rest = text[part.start():] if part else ""
        text = text[:len(text) - len(self.rest)]
        at = 0
        while at < len(text):
            found = COMMAND.match(text, at)
            if found:
                self.command(*found.groups())
                at = found.end()
            else:
                self.put(text[at])
                at += 1

    def as_text(self):
        return ["".join(line).rstrip() for line in self.text]


class Terminal:
    def __init__(self, columns, lines, command):
        self.screen = Screen(columns, lines)
        # Both ends stay open here, to look at what the program has left.
        self.fd, self.other = pty.openpty()
        self.size(columns, lines)
        self.before = termios.tcgetattr(self.other)
        # As a shell does: what it starts can be stopped, and continued.
        os.setsid()
        fcntl.ioctl(self.other, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(self.other, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            for fd in range(3):
                os.dup2(self.other, fd)
            os.execvpe(command[0], command, dict(os.environ, TERM="xterm"))

    def size(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            self.screen.show(os.read(self.fd, 65536).decode())
            return True
        return False

    def wait(self, holds):
        until = time.monotonic() + SECONDS
        while not holds():
            if time.monotonic() > until:
                return False
            self.read(0.05)
        return True

    def sees(self, pattern):
        return any(re.search(pattern, line)
                   for line in self.screen.as_text())

    def ended(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
        return pid != 0

    def restored(self):
        while self.read(0):
            pass
        return (termios.tcgetattr(self.other) == self.before and
                self.screen.modes == {"?25": True, "?7": True, "?1049": False})

    def step(self, word, rest):
        if word == "see":
            return self.wait(lambda: self.sees(rest))
        if word == "not":
            return not self.sees(rest)
        if word == "type":
            os.write(self.fd, ast.literal_eval("b'" + rest + "'"))
        elif word == "resize":
            columns, lines = map(int, rest.split())
            self.screen.wanted = columns, lines
            self.screen.resize(max(columns, self.screen.columns),
                               max(lines, self.screen.lines))
            self.size(columns, lines)
        elif word == "kill":
            os.kill(self.pid, int(rest))
        elif word in ("plain", "coloured"):
            return (self.screen.colours > 0) == (word == "coloured")
        elif word == "pause":
            os.kill(self.pid, signal.SIGTSTP)
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            restored = os.WIFSTOPPED(status) and self.restored()
            os.kill(self.pid, signal.SIGCONT)
            return restored
        elif word == "end":
            return (self.wait(self.ended) and self.status == int(rest) and
                    self.restored())
        else:
            raise ValueError(word)
        return True


def main():
    terminal = Terminal(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    for number, line in enumerate(iter(sys.stdin.readline, ""), 1):
        word, _, rest = line.strip().partition(" ")
        if not terminal.step(word, rest):
            print(number, "failed:", line, end="")
            print(getattr(terminal, "status", "it runs"))
            print("\n".join(terminal.screen.as_text()), flush=True)
            sys.exit(1)
        print(number, "done", flush=True)


main()
