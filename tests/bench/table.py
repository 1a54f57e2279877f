# SPDX-License-Identifier: ISC
#
# Makes of the figures that the parts recorded: a table, JSON, the targets,
# and the papers' pictures.
#
#   table.py SOURCE_DIRECTORY RESULTS_DIRECTORY PARTS \
#       [--json|--markdown]
#   table.py SOURCE_DIRECTORY RESULTS_DIRECTORY spread PART METRIC...
#
# The second form is for a part that has measured these metrics: it prints the
# cases whose figures spread by more than a quarter, with those that they are
# compared with, and notes that they are to be measured again.
#
# Each line of PART.tsv is ROUND, CASE, METRIC, VALUE.  A ratio is taken in
# each round, of values of that round; then come median, least and most.

import json
import os
import statistics
import subprocess
import sys

PARTS = ('transactions', 'connect', 'traffic', 'start', 'synflood',
         'appflood', 'tapflood', 'gateway', 'scale')

# A row whose least and most differ by more, as a share of its median, is
# measured again.
SPREAD_MAX = 0.25
CASES = ('plain', 'tracked', 'bound', 'xdp', 'drop', 'queue', 'cookies',
         'synproxy', 'aside', 'tap', 'fast')
ATTEMPTS = (0, 1000, 5000, 10000)
EQUAL = ((100000, 'under 100,000 SYNs a second'),
         (300000, 'under 300,000'), (0, 'under as many as there are'))

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
    'traffic': (
        ('stream', "another port's throughput", 'B/s', 'plain'),),
    'start': (
        ('ready', 'start to ready', 'ms', None),),
    'synflood': (
        ('takes', 'SYNs that arrive at full speed', '/s', 'drop'),
        ('handled', 'of which judged', '/s', None),
        ('best', 'SYNs with 99 of 100 fetches', '/s', 'drop/takes'),
        *(metric for rate, words in EQUAL for metric in (
            ('holder_%d' % rate, "key holder's, " + words, '/s', 'cookies'),
            ('of_holder_%d' % rate, 'SYNs that arrived of those', '/s',
             None))),
        ('resident', 'tap server, memory', 'KiB', None)),
    'appflood': tuple(metric for n in ATTEMPTS for metric in (
        ('holder_%d' % n, "key holder's, {:,} attempts".format(n), '/s',
         'plain'),
        ('offered_%d' % n, 'attempts that were made', '/s', None),
        ('strangers_%d' % n, 'of which answered', '/s', None))),
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
        ('holder_0', "key holder's, 0 attempts", '/s', 'plain'),
        ('holder_5000', "key holder's, 5,000 attempts", '/s', 'plain'),
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
        self.values, self.notes, self.again = {}, [], set()
        for part in parts:
            path = os.path.join(directory, part + '.tsv')
            if os.path.exists(path):
                self.values[part] = self.read(part, path)

    def read(self, part, path):
        cases = {}
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                number, case, metric, value = line.rstrip('\n').split('\t')
                if metric == 'again':
                    self.again.add((part, case, value))
                elif metric == 'note':
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


def base_of(case, base):
    """The case and metric to compare with, as (case, '' or metric)"""
    other, _, theirs = base.partition('/')
    return ('fast-' if case.startswith('fast-') else '') + other, theirs


def spreads(values):
    return max(values) - min(values) > SPREAD_MAX * statistics.median(values)


def place_of(case):
    """In a table; those that are not named come behind, as recorded."""
    return CASES.index(case) if case in CASES else len(CASES)


def rows(figures):
    for part in PARTS:
        cases = figures.values.get(part, {})
        for metric, what, unit, base in ROWS[part]:
            for case in sorted(cases, key=place_of):
                values = list(figures.of(part, case, metric).values())
                if not values:
                    continue
                row = {'part': part, 'case': case, 'metric': metric,
                       'what': what, 'unit': unit, 'value': spread(values),
                       'again': (part, case, metric) in figures.again}
                if base and base != case:
                    other, theirs = base_of(case, base)
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
        ('transactions, one at a time, to the bound', (0.65, 0.95), True,
         ratio('transactions', 'one', 'bound')),
        ('transactions, 64 at once, to the bound', (0.75, 0.95), True,
         ratio('transactions', 'many', 'bound')),
        ('time to connect, more than the bound, us', (60, 8), False,
         figures.paired(('connect', tap, 'p50'), ('connect', 'bound', 'p50'),
                        lambda a, b: a - b)),
        ('throughput of a connection, to plain TCP', (0.99, 0.99), True,
         ratio('transactions', 'stream', 'plain')),
        ("the host's other traffic, to no tap", (0.98, 0.98), True,
         ratio('traffic', 'stream', 'plain')),
        ('SYN flood with 99%, to a bare DROP rule', (0.35, 1.0), True,
         ratio('synflood', 'best', 'drop', 'takes')),
        ('SYN flood with 99%, to XDP_DROP', (None, 0.8), True,
         ratio('synflood', 'best', 'xdp', 'takes')),
        ('key holder under 100,000 SYNs, to SYN cookies', (0.8, 1.2), True,
         ratio('synflood', 'holder_100000', 'cookies')),
        ('key holder under 300,000 SYNs, to SYN cookies', (None, 1.2), True,
         ratio('synflood', 'holder_300000', 'cookies')),
        ('key holder under a full flood, to SYN cookies', (None, 0.9), True,
         ratio('synflood', 'holder_0', 'cookies')),
        ('TAP flood with 99%, groups a second', (100000, 200000), True,
         list(figures.of('tapflood', tap, 'groups').values())),
        ('key holder under 10,000 attempts, to none', (0.95, 0.95), True,
         figures.ratios(('appflood', tap, 'holder_10000'),
                        ('appflood', tap, 'holder_0'))),
        ('resident memory, MiB', (24, 64), False, memory),
        ('start to ready, ms', (300, 1000), False,
         list(figures.of('start', tap, 'ready').values())),
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
        if row['again']:
            line += ' [measured again: spread by more than a quarter]'
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


def cell(got):
    if not got:
        return ''
    value = got['measured']
    return ('%s (%s\u2013%s)' if got['met'] else '**%s** (%s\u2013%s)') % tuple(
        number(value[name]) for name in ('median', 'least', 'most'))


def print_markdown(results):
    """The targets, as README.md has them; bold is what misses one."""
    print('| | by the queue | target | kernel path | target |\n' +
          '| --- ' * 5 + '|')
    for row in results['targets']:
        columns = [row['what']]
        for name, _ in COLUMNS:
            got = row[name]
            columns += [cell(got), '{:,g}'.format(got['target'])
                        if got else '']
        print('| %s |' % ' | '.join(columns))


# ---- what to measure again

def spread_cases(figures, directory, part, metrics):
    """What spreads, noted; and with what it is compared, to measure again."""
    wanted = []
    bases = {metric: base for metric, _, _, base in ROWS[part]}
    with open(os.path.join(directory, part + '.tsv'), 'a',
              encoding='utf-8') as out:
        for row in rows(figures):
            if row['metric'] not in metrics:
                continue
            case, metric = row['case'], row['metric']
            base = bases[metric]
            other, theirs = base_of(case, base) if base else (case, '')
            values = list(figures.of(part, case, metric).values())
            if base and other != case:
                values = figures.ratios(
                    (part, case, metric),
                    (part, other, theirs or metric)) or values
            if spreads(values):
                wanted += [case] + ([] if theirs else [other])
                out.write('0\t%s\tagain\t%s\n' % (case, metric))
    return list(dict.fromkeys(wanted))


# ---- pictures

def curve(figures, part, case, rate, success):
    """(x, y, least, most); metric names end in what tells the rates apart."""
    points = []
    for metric in figures.values.get(part, {}).get(case, {}):
        if metric.startswith(success):
            x = figures.median(part, case, rate + metric[len(success):])
            points.append((x, *bar(figures, part, case, metric)))
    return sorted(p for p in points if p[0] is not None)


def bar(figures, part, case, metric):
    values = list(figures.of(part, case, metric).values())
    return statistics.median(values), min(values), max(values)


def short(value):
    """1,234,567 as 1.2M"""
    for size, letter in ((1e6, 'M'), (1e3, 'k')):
        if value >= size:
            value /= size
            return ('{:.0f}' if value >= 10 else '{:.1f}').format(
                value) + letter
    return '{:.0f}'.format(value)


def sentence(words, *values):
    """None where a figure is not there."""
    return None if None in values else words % values


def titles(figures):
    """What is to be seen, in a sentence; a picture without figures: None"""
    def up_to(part, case, metric):
        value = figures.median(part, case, metric)
        return None if value is None else short(value)

    def kept(case):
        ratios = figures.ratios(('appflood', case, 'holder_10000'),
                                ('appflood', case, 'holder_0'))
        return '%.0f%%' % (100 * statistics.median(ratios)) if ratios else None

    def of_flood(part, metric, what):
        queue = up_to(part, 'tap', metric)
        return sentence(
            'Fetches succeed up to %s %s a second in the kernel, %s by the '
            'queue', up_to(part, 'fast', metric), what, queue) or sentence(
                'Fetches succeed up to %s %s a second by the queue', queue,
                what)

    return {
        '8': of_flood('synflood', 'best', 'SYNs'),
        '9': sentence(
            'Beside 10k attempts a second the key holder keeps %s of his rate '
            'with tap, %s without', kept('fast') or kept('tap'),
            kept('plain')),
        '10': of_flood('tapflood', 'groups', 'forged groups'),
    }


def write_points(path, points):
    with open(path, 'w', encoding='utf-8') as out:
        # gnuplot refuses a file without any point.
        for point in points or [('NaN', 'NaN', 'NaN', 'NaN')]:
            out.write(' '.join(str(value) for value in point) + '\n')


def all_points(figures, source):
    """NAME: the points of a curve"""
    points = {}
    for case in ('fast', 'tap', 'cookies', 'synproxy', 'plain'):
        points['8-' + case] = curve(figures, 'synflood', case, 'rate_',
                                    'success_')
    for case in ('fast', 'tap'):
        points['10-' + case] = curve(figures, 'tapflood', case, 'rate_',
                                     'success_')
    for case in ('fast', 'tap', 'plain', 'aside'):
        points['9-' + case] = [
            (n, *bar(figures, 'appflood', case, 'holder_%d' % n))
            for n in ATTEMPTS
            if figures.of('appflood', case, 'holder_%d' % n)]
    with open(os.path.join(source, 'papers.tsv'), encoding='utf-8') as lines:
        for line in lines:
            if not line.startswith('#'):
                figure, case, x, y, _ = line.split('\t')
                points.setdefault('%s-papers-%s' % (figure, case),
                                  []).append((x, y))
    return points


def pictures(figures, source, directory):
    for name, points in all_points(figures, source).items():
        write_points(os.path.join(directory, 'figure%s.dat' % name), points)
    drawn = True
    for figure, title in titles(figures).items():
        if title is None:
            continue
        drawing = subprocess.run(
            ['gnuplot', '-e', "dir='%s'; figure=%s; what='%s'" % (
                directory, figure, title),
             os.path.join(source, 'figures.gp')],
            stderr=subprocess.PIPE, text=True, check=False)
        # It warns of a curve with one point, too.
        if drawing.returncode != 0:
            sys.stderr.write(drawing.stderr)
            drawn = False
    return drawn


def main():
    source, directory, parts = sys.argv[1:4]
    if parts == 'spread':
        part, metrics = sys.argv[4], sys.argv[5:]
        for case in spread_cases(Figures(directory, [part]), directory, part,
                                 metrics):
            print(case)
        return 0
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
    elif '--markdown' in sys.argv[4:]:
        print_markdown(results)
    else:
        print_table(results)
        print_targets(results)
        print('\nall of it: %s; pictures: %s/figure*.svg' % (path, directory))
    return 0 if drawn else 1


if __name__ == '__main__':
    sys.exit(main())
