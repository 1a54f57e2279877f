# SPDX-License-Identifier: ISC
"""Holds the manual page's filter for fail2ban to what a server logs.

    filter.py PAGE LOG   what is wrong

It applies the filter as fail2ban does: the date is cut out of a line, and
what is left is searched; <ADDR> is an address, in brackets or not.
"""

import re
import sys

BANNED = ("flags", "key", "acl", "mac", "replay")
ADDRESS = (r"\[?(?:(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})|"
           r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}"
           r"(?:[0-9a-fA-F]{1,4}|(?<=:):)))\]?")
DATE = {"%%Y": r"\d{4}", "%%m": r"\d\d", "%%d": r"\d\d", "%%H": r"\d\d",
        "%%M": r"\d\d", "%%S": r"\d\d"}


def read_filter(path):
    """Its regular expressions: of a date, and of a line without it."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    # A line goes on where the page breaks it, as the page says.
    text = re.sub(r"\\e\n\s+", "", text).replace(r"\e", "\\")
    regex = re.search(r"^failregex = (.*)$", text, re.M).group(1)
    date = re.search(r"^datepattern = (.*)$", text, re.M).group(1)
    for name, digits in DATE.items():
        date = date.replace(name, digits)
    return re.compile(date), re.compile(regex.replace("<ADDR>", ADDRESS))


def main():
    page, log = sys.argv[1:]
    date, regex = read_filter(page)
    seen = set()
    wrong = []
    with open(log, encoding="ascii") as file:
        lines = file.read().splitlines()
    for line in lines:
        said, dates = date.subn("", line)
        reason = re.search(r": refused reason=(\w+) ", line)
        reason = reason.group(1) if reason else "none"
        source = None
        if reason in BANNED:
            source = line.split(" src=")[1].split(" ")[0]
            source = source.rpartition(":")[0].strip("[]")
        # As the file has it, and as the journal gives it.
        for form in (said, re.sub(r"^ *tap server:", "host tap[123]:", said)):
            found = regex.search(form)
            host = found and (found["ip4"] or found["ip6"])
            if dates != 1 or host != source:
                wrong.append(f"{form}: {host}")
        seen.add(reason)
    wrong += [f"no line with {reason}"
              for reason in (*BANNED, "none", "time", "incomplete")
              if reason not in seen]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
