#!/bin/sh
# Chinese in charts: gives matplotlib of the kernels' environment a font that has it, after its own. Written anew
# and moved into place: the installer may share files with its cache. The line takes the place of the default's,
# which matplotlib reads too, although it looks like a comment.
set -eu
environment=$1
data=$(echo "$environment"/lib/python3.*/site-packages/matplotlib/mpl-data)
font=sandbox/disclosure/files/fonts/NotoSansSC-Regular.ttf
cp "$font" "$data/fonts/ttf/NotoSansSC-Regular.ttf.new"
mv "$data/fonts/ttf/NotoSansSC-Regular.ttf.new" "$data/fonts/ttf/NotoSansSC-Regular.ttf"
sed 's/^#\{0,1\}font\.family:.*/font.family: DejaVu Sans, Noto Sans SC/' "$data/matplotlibrc" > "$data/matplotlibrc.new"
grep -q '^font\.family: DejaVu Sans, Noto Sans SC$' "$data/matplotlibrc.new"
mv "$data/matplotlibrc.new" "$data/matplotlibrc"
