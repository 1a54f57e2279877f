# SPDX-License-Identifier: ISC
"""Judges the JSON of tap probe-path: path_result.py FILE EXPRESSION...

Each expression has to be true; what it can name is in NAMES below.  Prints
those that are not, and what the report says, and exits 1.
"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
path = report["paths"][0]
field = {f["field"]: f for f in path["fields"]}
group = {g["frames"]: g for g in path["groups"]}


def only(state=None, *names):
    """These fields are in this state; all others arrived unchanged."""
    return all(f["state"] == (state if f["field"] in names else "arrived")
               for f in path["fields"]) and set(names) <= set(field)


def change(name):
    found = [c for c in path.get("changes", []) if c["field"] == name]
    return found[0] if found else {}


NAMES = {"report": report, "path": path, "field": field, "group": group,
         "only": only, "change": change, "verdict": report["verdict"]}

failed = [text for text in sys.argv[2:]
          # The tests' own words.
          if not eval(f"({text})", NAMES)]  # pylint: disable=eval-used
for text in failed:
    print("not so:", text)
if failed:
    for name, value in path.items():
        if name not in ("fields", "groups"):
            print(f"{name}: {value}")
    for f in path["fields"]:
        print(f)
    for g in path["groups"]:
        print(g)
sys.exit(bool(failed))
