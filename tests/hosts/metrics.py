# SPDX-License-Identifier: ISC
"""Reads Prometheus's text format, and takes it at its word.

    metrics.py check FILE            what promtool would complain of
    metrics.py has FILE NAME NUMBER  whether a series has that value
    metrics.py watch FILE            checks it again and again; says what is
                                     wrong, and goes on
"""

import re
import sys
import time

NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
# A sentence: at least three words, the first with a capital or a number.
HELP = re.compile(rf"# HELP ({NAME}) ([A-Z0-9]\S*(?: \S+){{2,}}\.)$")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge)$")
LABEL = rf'{NAME}="[^"\\\n]*"'
SAMPLE = re.compile(rf'({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (\d+)$')
# What Prometheus's naming rules want otherwise: units in their base form and
# unabbreviated, no type in a name, nothing that histograms use.
BAD_WORDS = {
    "ms", "us", "ns", "sec", "secs", "s", "milliseconds", "microseconds",
    "nanoseconds", "minutes", "hours", "days", "weeks", "byte", "kb", "mb",
    "gb", "kilobytes", "megabytes", "gigabytes", "bits", "percent", "counter",
    "gauge", "histogram", "summary", "untyped"}
BAD_ENDS = ("_bucket", "_count", "_sum")
BAD_LABELS = ("le", "quantile")
UNITS = ("seconds", "bytes", "ratio")


def misnamed(name, labels):
    """What is wrong with the name of a series, or ''."""
    words = name.split("_")
    if BAD_WORDS & set(words):
        return "no base unit, or a type in its name"
    if name.endswith(BAD_ENDS):
        return "ends as a histogram's"
    if any(labels.startswith("{" + label + "=") for label in BAD_LABELS):
        return "has a label of histograms"
    if words[-1] == "total":
        words.pop()
    if any(word in UNITS for word in words[:-1]):
        return "its unit is not its suffix"
    return ""


def parse(path):
    """Series and their values; a list of what is wrong."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    wrong = []
    values = {}
    types = {}
    helps = {}
    group = None
    if not text.endswith("\n"):
        wrong.append("the last line has no end")
    for number, line in enumerate(text.splitlines(), 1):
        where = f"line {number}: {line}"
        if HELP.match(line):
            group, said = HELP.match(line).groups()
            if group in helps:
                wrong.append(f"{where}: helped twice")
            helps[group] = said
        elif TYPE.match(line):
            name, kind = TYPE.match(line).groups()
            if name != group or name in types:
                wrong.append(f"{where}: not after its HELP, or twice")
            types[name] = kind
            if (kind == "counter") != name.endswith("_total"):
                wrong.append(f"{where}: a counter, and no other, is a total")
        elif SAMPLE.match(line):
            name, labels, value = SAMPLE.match(line).groups()
            series = name + (labels or "")
            if name != group or name not in types:
                wrong.append(f"{where}: not in the group of its TYPE")
            if series in values:
                wrong.append(f"{where}: twice")
            if misnamed(name, labels or ""):
                wrong.append(f"{where}: {misnamed(name, labels or '')}")
            values[series] = int(value)
        else:
            wrong.append(f"{where}: neither HELP, TYPE nor a sample")
    wrong += [f"{name}: no sample" for name in types
              if not any(series.split("{")[0] == name for series in values)]
    if not values:
        wrong.append("empty")
    return values, wrong


def watch(path):
    last = None
    while True:
        values, wrong = parse(path)
        if last and len(values) != len(last):
            wrong.append(f"{len(values)} series, and before {len(last)}")
        for line in wrong:
            print(line, flush=True)
        last = values
        time.sleep(0.0005)


def main():
    tool, path, *more = sys.argv[1:]
    if tool == "watch":
        watch(path)
    values, wrong = parse(path)
    if tool == "has":
        wrong = [] if values.get(more[0]) == int(more[1]) else [str(values)]
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
