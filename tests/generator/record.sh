#!/usr/bin/env bash
# record.sh: writes recorded.txt, a line for each program: its seed, its units, and the FNV-1a sum and the length of what it
# prints under Go.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/generator" .
for seed in $(seq 1 12); do
    "$work/generator" -seed "$seed" -units 10 >"$work/prog.go"
    (cd "$work" && go build -o prog prog.go)
    "$work/prog" >"$work/out"
    echo "$seed 10 $("$work/generator" -sum <"$work/out")"
done >recorded.txt
