# SPDX-License-Identifier: ISC
"""Holds the filter for fail2ban to what a server logs.

    filter.py FILTER LOG   what is wrong

fail2ban itself reads the log, as text or JSON, once as it is in the file and
once as it is made of the journal.
"""

import json
import re
import subprocess
import sys
import tempfile

BANNED = ("flags", "key", "acl", "mac")


def refusal(line):
    """Of a line: the reason that it has, or "none", and the source."""
    if line.startswith("{"):
        record = json.loads(line)
        if record.get("event") != "refused":
            return "none", None
        return record["reason"], record["src"]
    found = re.search(r": refused reason=(\w+) .*?src=\[?([^] ]*)\]?:\d+ ",
                      line)
    return found.groups() if found else ("none", None)


def banned(rules, lines, *more):
    """Whom fail2ban would have."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
        file.flush()
        done = subprocess.run(
            ["fail2ban-regex", *more, "-o", "ip", file.name, rules],
            stdout=subprocess.PIPE, encoding="utf-8", check=False)
    return done.stdout.split()


def main():
    rules, log = sys.argv[1:]
    with open(log, encoding="utf-8") as file:
        lines = file.read().splitlines()
    journal = [re.sub(r"^(\S+ tap server: |(?=\{))", "host tap[123]: ", line)
               for line in lines]
    refusals = [refusal(line) for line in lines]
    wanted = [source for reason, source in refusals if reason in BANNED]
    wrong = []
    for form, got in (("file", banned(rules, lines)),
                      ("journal", banned(rules, journal, "-d", "{NONE}"))):
        if got != wanted:
            wrong.append(f"{form}: {got} instead of {wanted}")
    seen = {reason for reason, _ in refusals}
    wrong += [f"no line with {reason}"
              for reason in (*BANNED, "none", "time", "incomplete", "replay")
              if reason not in seen]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
