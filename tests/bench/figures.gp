# The papers' figures 8, 9 and 10, ours over theirs; table.py has written what
# they are made of, and says which: gnuplot -e "dir='...'; figure=8; what='...'"
# Nothing is behind a picture, and its colours read on white and on black.
set terminal svg size 860,400 dynamic font 'sans,13'
grey = '#7a7a7a'
blue = '#3b82d6'
orange = '#d9731a'
green = '#2f9e63'
violet = '#a06cd5'
set style line 1 lc rgb blue lw 2 pt 7 ps 0.7
set style line 2 lc rgb orange lw 2 pt 5 ps 0.7
set style line 3 lc rgb green lw 1.5 pt 9 ps 0.8
set style line 4 lc rgb violet lw 1.5 pt 11 ps 0.8
set style line 5 lc rgb grey lw 1.5 pt 2 ps 0.8
set style line 6 lc rgb orange lw 1.5 pt 6 ps 1.1
set style line 7 lc rgb grey lw 1.5 pt 4 ps 1.1
set border 3 lc rgb grey
set tics nomirror textcolor rgb grey
set grid lc rgb grey lw 0.3
set key outside right top Left reverse samplen 2 textcolor rgb grey
set title what textcolor rgb grey
set format x '%.0s%c'
set ylabel 'of a hundred fetches, succeed (%)' textcolor rgb grey
set yrange [0:105]
set output dir.'/figure'.figure.'.svg'
file(name) = dir.'/figure'.figure.'-'.name.'.dat'

if (figure == 8) {
	set logscale x
	set xlabel 'SYNs a second that arrive' textcolor rgb grey
	plot file('fast') with yerrorlines ls 1 title 'tap, kernel path', \
	     file('tap') with yerrorlines ls 2 title 'tap, queue', \
	     file('cookies') with yerrorlines ls 3 title 'SYN cookies', \
	     file('synproxy') with yerrorlines ls 4 title 'SYNPROXY', \
	     file('plain') with points ls 5 title 'plain TCP', \
	     file('papers-tap') with points ls 6 title 'tap, papers', \
	     file('papers-plain') with points ls 7 title 'plain TCP, papers'
}
if (figure == 10) {
	set logscale x
	set xlabel 'forged groups a second that arrive' textcolor rgb grey
	plot file('fast') with yerrorlines ls 1 title 'tap, kernel path', \
	     file('tap') with yerrorlines ls 2 title 'tap, queue', \
	     file('papers-tap') with points ls 6 title 'tap, papers'
}
if (figure == 9) {
	set xlabel "strangers' attempts a second" textcolor rgb grey
	set ylabel 'requests a second for the key holder' textcolor rgb grey
	set format y '%.0s%c'
	set yrange [0:*]
	plot file('fast') with yerrorlines ls 1 title 'tap, kernel path', \
	     file('tap') with yerrorlines ls 2 title 'tap, queue', \
	     file('plain') with yerrorlines ls 5 title 'plain TCP', \
	     file('aside') with yerrorlines ls 3 title 'dropped by XDP', \
	     file('papers-tap') with points ls 6 title 'tap, papers'
}
