# SPDX-License-Identifier: ISC
"""Holds the examples for Prometheus and Grafana to what tap writes.

    examples.py ALERTS DASHBOARD METRICS...   what is wrong

Every metric that they name, and every reason, is in one of the files that a
running server and client wrote; and they have the form that they need.
"""

import json
import re
import sys

METRIC = re.compile(r"\btap_(?:server|client)_[a-z0-9_]+")
REASON = re.compile(r'(\btap_[a-z_]+)\{[^}]*reason="([a-z_]+)"')


def alerts(path):
    """Expressions of a file of rules, by name; what is wrong with it."""
    with open(path, encoding="utf-8") as file:
        parts = re.split(r"(?m)^ +- alert: ", file.read())
    found = {}
    wrong = [] if parts[0].rstrip().endswith("rules:") else ["no rules"]
    for part in parts[1:]:
        name = part.split("\n")[0]
        expr = re.search(r"^ +expr: (.+)$", part, re.M)
        if not expr or not re.search(r"^ +summary: \S.*\.$", part, re.M):
            wrong.append(f"{name}: it needs expr and summary")
        else:
            found[name] = expr.group(1)
    return found, wrong


def panels(path):
    """The same of a dashboard."""
    with open(path, encoding="utf-8") as file:
        board = json.load(file)
    found = {"instance": board["templating"]["list"][1]["query"]}
    wrong = []
    for panel in board["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']}/{target['refId']}"] = target["expr"]
    ids = [panel["id"] for panel in board["panels"]]
    if len(set(ids)) != len(ids):
        wrong.append("two panels have one id")
    return found, wrong


def main():
    rules, board, *files = sys.argv[1:]
    samples = []
    wrong = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            samples += [line for line in file if not line.startswith("#")]
    names = {re.match(r"\w+", line).group() for line in samples}
    reasons = {match.groups() for match in map(REASON.search, samples)
               if match}
    for path, (found, bad) in ((rules, alerts(rules)), (board, panels(board))):
        wrong += [f"{path}: {line}" for line in bad]
        if len(found) < 5:
            wrong.append(f"{path}: hardly anything in it")
        for where, expr in found.items():
            wrong += [f"{path}: {where}: no metric {name}"
                      for name in METRIC.findall(expr) if name not in names]
            wrong += [f"{path}: {where}: no reason {pair}"
                      for pair in REASON.findall(expr) if pair not in reasons]
            if expr.count("(") != expr.count(")"):
                wrong.append(f"{path}: {where}: brackets")
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
