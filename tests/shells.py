#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Types into a real shell, as somebody would, and tells what it completes.

usage: tests/shells.py SHELL ROOT [SHARE]

ROOT is where tap was installed (DESTDIR), and prefix and all. Prints what is
wrong, a line each, and nothing where all is well.
"""

import os
import pty
import re
import select
import sys
import tempfile
import time

SECONDS = 3  # for a shell to answer on a busy machine
PROMPT = "ready> "

# What is typed, then Tab; and what has to stand there afterwards.
CASES = [
    ("tap sc", "tap scan-check"),
    ("tap scan-check --samp", "--samples"),
    ("tap keygen --alg hmac-sh", "hmac-sha256"),
    ("tap scan-check --scan syn,xm", "syn,xmas"),
    ("tap acl che", "tap acl check"),
    ("tap client --to localhost:22 -- uptim", "-- uptime"),
    ("tap server -c /etc/hos", "/etc/host"),
]


class Shell:
    def __init__(self, argv, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)
        self.seen = ""

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, wanted):
        """Reads until wanted stands there; what came, without its colours."""
        end = time.monotonic() + SECONDS
        while True:
            # Colours, and the cursor's way over what is there already.
            text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\x07\r]", "",
                          self.seen)
            text = re.sub(r".\x08", "", text)
            if wanted in text:
                self.seen = ""
                return True
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                print("  shown: " + repr(text), file=sys.stderr)
                return False
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                return False

    def end(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def start(shell, root, home):
    env = {
        "HOME": home, "TERM": "dumb" if shell == "fish" else "xterm",
        "PATH": root + "/usr/bin:" + root + "/usr/sbin:" + os.environ["PATH"],
        "PS1": PROMPT, "LANG": "C.UTF-8", "COLUMNS": "200", "LINES": "50",
    }
    share = root + "/usr/share"
    if shell == "bash":
        s = Shell(["bash", "--norc", "--noprofile", "-i"], env)
        begin = f". {share}/bash-completion/completions/tap; PS1='{PROMPT}'\n"
    elif shell == "zsh":
        s = Shell(["zsh", "-f", "-i"], env)
        begin = (f"fpath=({share}/zsh/site-functions $fpath); "
                 f"autoload -U compinit; compinit -u -d {home}/dump; "
                 f"unsetopt promptsp; PS1='{PROMPT}'\n")
    else:
        s = Shell(["fish", "--no-config", "-i"], env)
        begin = (f"set fish_complete_path {share}/fish/vendor_completions.d "
                 "$fish_complete_path; function fish_prompt; "
                 f"echo -n '{PROMPT}'; end\n")
    s.send("stty cols 200 2>/dev/null\n" + begin + "echo be''gun\n")
    return s, s.wait_for("begun")


def main():
    shell, root = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as home:
        s, begun = start(shell, root, home)
        if not begun:
            print(f"{shell} does not begin")
            return
        for typed, wanted in CASES:
            s.send(typed + "\t")
            if not s.wait_for(wanted):
                print(f"{shell}: '{typed}' becomes no '{wanted}'")
            s.send("\x15")  # clears the line
        s.end()


main()
