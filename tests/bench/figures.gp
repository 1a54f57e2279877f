# The papers' figures 8, 9 and 10, ours over theirs; table.py has written
# what they are made of.  gnuplot -e "dir='...'" figures.gp
set terminal svg size 720,420 dynamic font 'sans,13'
set grid
set key bottom left
set ylabel 'connections made (%)'
set yrange [0:105]
set logscale x

set output dir.'/figure8.svg'
set title 'SYN flood (papers: figure 8)'
set xlabel 'SYNs a second that arrive'
plot dir.'/figure8-tap.dat' with linespoints title 'tap', \
     dir.'/figure8-fast.dat' with linespoints \
     title 'tap, kernel path', \
     dir.'/figure8-cookies.dat' with linespoints title 'SYN cookies', \
     dir.'/figure8-synproxy.dat' with linespoints title 'SYNPROXY', \
     dir.'/figure8-plain.dat' with points pt 2 title 'plain TCP', \
     dir.'/figure8-papers-tap.dat' with points pt 6 title 'tap, papers', \
     dir.'/figure8-papers-plain.dat' with points pt 4 \
     title 'plain TCP, papers'

set output dir.'/figure10.svg'
set title 'TAP flood (papers: figure 10)'
set xlabel 'forged groups a second that arrive'
plot dir.'/figure10-tap.dat' with linespoints title 'tap', \
     dir.'/figure10-fast.dat' with linespoints \
     title 'tap, kernel path', \
     dir.'/figure10-papers-tap.dat' with points pt 6 title 'tap, papers'

set output dir.'/figure9.svg'
set title 'Application flood (papers: figure 9)'
unset logscale x
set xlabel 'strangers at once'
set ylabel 'requests a second for the key holder'
set yrange [0:*]
plot dir.'/figure9-tap.dat' with linespoints title 'tap', \
     dir.'/figure9-fast.dat' with linespoints \
     title 'tap, kernel path', \
     dir.'/figure9-plain.dat' with linespoints title 'plain TCP', \
     dir.'/figure9-papers-tap.dat' with points pt 6 title 'tap, papers'
