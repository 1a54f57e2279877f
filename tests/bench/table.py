# SPDX-License-Identifier: ISC
#
# Makes of the figures that the parts recorded: a table, JSON, the targets,
# and the papers' pictures.
#
#   table.py SOURCE_DIRECTORY RESULTS_DIRECTORY PARTS [--json]
#
# Each line of PART.tsv is ROUND, CASE, METRIC, VALUE.  A ratio is taken in
# each round, of values of that round; then come median, least and most.

import json
import os
import statistics
import subprocess
import sys

PARTS = ('transactions', 'connect', 'synflood', 'appflood', 'tapflood',
         'gateway', 'scale')

# PART: its metrics, as (metric, what it is, unit, the case to compare with)
ROWS = {
    'transactions': (
        ('one', 'one at a time', '/s', 'plain'),
        ('many', '64 at once', '/s', 'plain'),
        ('stream', 'throughput', 'B/s', 'plain'),
        ('resident', 'tap server, memory', 'KiB', None),
        ('client_resident', 'tap client, memory', 'KiB', None)),
    'connect': (
        ('p50', 'to connect, median', 'us', 'plain'),
        ('p99', 'to connect, 99 of 100', 'us', 'plain')),
    'synflood': (
        ('takes', 'SYNs that arrive at full speed', '/s', 'drop'),
        ('handled', 'of which judged', '/s', None),
        ('best', 'SYNs with 99 of 100 fetches', '/s', 'drop/takes'),
        ('holder', "key holder's, at full speed", '/s', 'cookies'),
        ('resident', 'tap server, memory', 'KiB', None)),
    'appflood': tuple(
        ('holder_%d' % n, "key holder's, %d strangers" % n, '/s', 'plain')
        for n in (0, 16, 64, 256, 1024)),
    'tapflood': (
        ('groups', 'groups with 99 of 100 fetches', '/s', None),
        ('resident', 'tap server, memory', 'KiB', None)),
    'gateway': (
        ('one', 'one at a time', '/s', 'plain'),
        ('many', '64 at once', '/s', 'plain'),
        ('stream', 'throughput', 'B/s', 'plain'),
        ('p50', 'to connect, median', 'us', 'plain'),
        ('takes', 'SYNs that arrive at full speed', '/s', None),
        ('best', 'SYNs with 99 of 100 fetches', '/s', 'drop/takes'),
        ('holder_0', "key holder's, 0 strangers", '/s', 'plain'),
        ('holder_256', "key holder's, 256 strangers", '/s', 'plain'),
        ('groups', 'groups with 99 of 100 fetches', '/s', None)),
    'scale': (
        ('ns', 'gate alone, a connection', 'ns', 'gate_keys=10'),
        ('p50', 'to connect, median', 'us', 'keys10'),
        ('rate', '64 at once', '/s', 'keys10'),
        ('worker', "server's processor, a connection", 'us', 'keys10'),
        ('resident', 'tap server, memory', 'KiB', None)),
}


class Figures:
    """What was recorded: self.values[part][case][metric][round]"""

    def __init__(self, directory, parts):
        self.values, self.notes = {}, []
        for part in parts:
            path = os.path.join(directory, part + '.tsv')
            if os.path.exists(path):
                self.values[part] = self.read(part, path)

    def read(self, part, path):
        cases = {}
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                number, case, metric, value = line.rstrip('\n').split('\t')
                if metric == 'note':
                    self.notes.append((part, case, value))
                else:
                    rounds = cases.setdefault(case, {})
                    rounds.setdefault(metric, {})[int(number)] = float(value)
        return cases

    def of(self, part, case, metric):
        return self.values.get(part, {}).get(case, {}).get(metric, {})

    def median(self, part, case, metric):
        rounds = self.of(part, case, metric)
        return statistics.median(rounds.values()) if rounds else None

    def paired(self, left, right, how):
        """One result for each round that has both, or []."""
        a, b = self.of(*left), self.of(*right)
        return [how(a[n], b[n]) for n in sorted(a) if n in b and b[n] > 0]

    def ratios(self, left, right):
        return self.paired(left, right, lambda a, b: a / b)


def spread(values):
    return {'median': statistics.median(values), 'least': min(values),
            'most': max(values), 'rounds': len(values)}


def rows(figures):
    for part in PARTS:
        cases = figures.values.get(part, {})
        for metric, what, unit, base in ROWS[part]:
            for case in cases:
                values = list(figures.of(part, case, metric).values())
                if not values:
                    continue
                row = {'part': part, 'case': case, 'metric': metric,
                       'what': what, 'unit': unit, 'value': spread(values)}
                if base and base != case:
                    other, _, theirs = base.partition('/')
                    if case.startswith('fast-'):
                        other = 'fast-' + other
                    ratios = figures.ratios(
                        (part, case, metric), (part, other, theirs or metric))
                    if ratios:
                        row['ratio'] = spread(ratios)
                        row['ratio']['to'] = other
                yield row


# The columns of targets, and the case that has the figures of each.
COLUMNS = (('nfqueue', 'tap'), ('kernel', 'fast'))


def targets(figures, tap):
    """(what, target of each column, at least?, values of the case)"""
    def ratio(part, metric, base, theirs=None):
        return figures.ratios((part, tap, metric),
                              (part, base, theirs or metric))

    keys = '' if tap == 'tap' else tap + '-'
    memory = [kib / 1024 for part in ('synflood', 'tapflood', 'transactions')
              for kib in figures.of(part, tap, 'resident').values()]
    return (
        ('transactions, one at a time, to plain TCP', (0.60, 0.95), True,
         ratio('transactions', 'one', 'plain')),
        ('transactions, 64 at once, to plain TCP', (0.60, 0.90), True,
         ratio('transactions', 'many', 'plain')),
        ('throughput of a connection, to plain TCP', (0.99, 0.99), True,
         ratio('transactions', 'stream', 'plain')),
        ('added connection time, median, us', (60, 15), False,
         figures.paired(('connect', tap, 'p50'), ('connect', 'plain', 'p50'),
                        lambda a, b: a - b)),
        ('SYN flood with 99%, to a bare DROP rule', (0.35, 1.0), True,
         ratio('synflood', 'best', 'drop', 'takes')),
        ('SYN flood with 99%, to XDP_DROP', (None, 0.8), True,
         ratio('synflood', 'best', 'xdp', 'takes')),
        ('TAP flood with 99%, groups a second', (40000, 150000), True,
         list(figures.of('tapflood', tap, 'groups').values())),
        ("key holder's rate under flood, to SYN cookies", (0.8, 1.2), True,
         ratio('synflood', 'holder', 'cookies')),
        ('resident memory, MiB', (32, 64), False, memory),
        ('connection with 60,000 keys, to 10', (1.1, 1.1), False,
         figures.ratios(('scale', keys + 'keys60000', 'worker'),
                        ('scale', keys + 'keys10', 'worker'))),
        ('the same, gate alone', (1.1, 1.1), False,
         figures.ratios(('scale', 'gate_keys=60000', 'ns'),
                        ('scale', 'gate_keys=10', 'ns'))),
    )


def column(values, target, least):
    if not values or target is None:
        return None
    got = statistics.median(values)
    return {'measured': spread(values), 'target': target,
            'met': got >= target if least else got <= target}


def verdicts(figures):
    for rows_ in zip(*(targets(figures, case) for _, case in COLUMNS)):
        what, goals, least, _ = rows_[0]
        verdict = {'what': what, 'at': 'least' if least else 'most'}
        for at, (name, _) in enumerate(COLUMNS):
            verdict[name] = column(rows_[at][3], goals[at], least)
        if any(verdict[name] for name, _ in COLUMNS):
            yield verdict


def number(value):
    if abs(value) >= 1000:
        return '{:,.0f}'.format(value)
    return '{:.1f}'.format(value) if abs(value) >= 10 else \
        '{:.2f}'.format(value)


def print_table(results):
    part = what = None
    for row in results['rows']:
        if row['part'] != part:
            part = row['part']
            print('\n%-33s %-15s %14s %-4s %-21s %s' % (
                part.upper(), '', 'median', '', 'least to most', 'ratio'))
        value = row['value']
        line = '%-33s %-15s %14s %-4s %-21s' % (
            row['what'] if row['what'] != what else '', row['case'],
            number(value['median']), row['unit'],
            number(value['least']) + ' - ' + number(value['most'])
            if value['rounds'] > 1 else '')
        what = row['what']
        if 'ratio' in row:
            ratio = row['ratio']
            line += ' %s (%s - %s) of %s' % (
                number(ratio['median']), number(ratio['least']),
                number(ratio['most']), ratio['to'])
        print(line.rstrip())
    for part, case, text in results['notes']:
        print('%s, %s: %s' % (part, case, text))


def print_targets(results):
    print('\n%-47s %-42s %s' % ('TARGETS', 'NFQUEUE alone',
                                'with the kernel path'))
    for row in results['targets']:
        sign = '>=' if row['at'] == 'least' else '<='
        columns = []
        for name, _ in COLUMNS:
            cell = row[name]
            columns.append('' if not cell else '%7s %-15s %s %s' % (
                number(cell['measured']['median']),
                '(%s - %s)' % (number(cell['measured']['least']),
                               number(cell['measured']['most'])),
                'met   ' if cell['met'] else 'MISSED',
                '%s %s' % (sign, '{:,g}'.format(cell['target']))))
        print(('%-47s %-42s %s' % (row['what'], *columns)).rstrip())


# ---- pictures

def curve(figures, part, case, rate, success):
    """(x, y) medians; metric names end in what tells the rates apart."""
    points = []
    for metric in figures.values.get(part, {}).get(case, {}):
        if metric.startswith(success):
            x = figures.median(part, case, rate + metric[len(success):])
            points.append((x, figures.median(part, case, metric)))
    return sorted(p for p in points if p[0] is not None)


def write_points(path, points):
    with open(path, 'w', encoding='utf-8') as out:
        # gnuplot refuses a file without any point.
        for x, y in points or [('NaN', 'NaN')]:
            out.write('%s %s\n' % (x, y))


def pictures(figures, source, directory):
    points = {}
    for case in ('fast', 'tap', 'cookies', 'synproxy', 'plain'):
        points['8-' + case] = curve(figures, 'synflood', case, 'rate_',
                                    'success_')
    for case in ('fast', 'tap'):
        points['10-' + case] = curve(figures, 'tapflood', case, 'rate_',
                                     'success_')
    for case in ('fast', 'tap', 'plain'):
        points['9-' + case] = sorted(
            (int(metric[7:]), figures.median('appflood', case, metric))
            for metric in figures.values.get('appflood', {}).get(case, {})
            if metric.startswith('holder_'))
    with open(os.path.join(source, 'papers.tsv'), encoding='utf-8') as lines:
        for line in lines:
            if not line.startswith('#'):
                figure, case, x, y, _ = line.split('\t')
                points.setdefault('%s-papers-%s' % (figure, case),
                                  []).append((x, y))
    for name, pairs in points.items():
        write_points(os.path.join(directory, 'figure%s.dat' % name), pairs)
    drawing = subprocess.run(
        ['gnuplot', '-e', "dir='%s'" % directory,
         os.path.join(source, 'figures.gp')],
        stderr=subprocess.PIPE, text=True, check=False)
    # It warns of a curve with one point, too.
    if drawing.returncode != 0:
        sys.stderr.write(drawing.stderr)
    return drawing.returncode == 0


def main():
    source, directory, parts = sys.argv[1:4]
    # What an earlier run left is not of this one.
    figures = Figures(directory, parts.split())
    results = {'rows': list(rows(figures)), 'notes': figures.notes,
               'targets': list(verdicts(figures))}
    path = os.path.join(directory, 'results.json')
    with open(path, 'w', encoding='utf-8') as out:
        json.dump(results, out, indent=1)
        out.write('\n')
    drawn = pictures(figures, source, directory)
    if '--json' in sys.argv[4:]:
        json.dump(results, sys.stdout)
        print()
    else:
        print_table(results)
        print_targets(results)
        print('\nall of it: %s; pictures: %s/figure*.svg' % (path, directory))
    return 0 if drawn else 1


if __name__ == '__main__':
    sys.exit(main())
