#!/usr/bin/env bash
# fuzz.sh GMPL [SECONDS] [SEED]: random programs under Go and under gmpl, until time is up or their outputs differ. Needs Go.
set -u
gmpl=$(realpath "$1") seconds=${2:-60} seed=${3:-$(date +%s)}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here" && go build -o "$work/generator" .) || exit 2
end=$((SECONDS + seconds)) programs=0 lines=0
while [ $SECONDS -lt $end ]; do
    "$work/generator" -seed "$seed" -units 40 >"$work/prog.go"
    if ! (cd "$work" && go build -o prog prog.go) >"$work/build" 2>&1; then
        echo "seed $seed: Go refuses the program:"
        head -5 "$work/build"
        exit 2
    fi
    timeout 60 "$work/prog" >"$work/go.out" 2>&1
    echo "status $?" >>"$work/go.out"
    timeout 120 "$gmpl" run "$work/prog.go" >"$work/gmpl.out" 2>&1
    echo "status $?" >>"$work/gmpl.out"
    if ! cmp -s "$work/go.out" "$work/gmpl.out"; then
        echo "seed $seed: the outputs differ (go run . -seed $seed -units 40):"
        diff -a "$work/go.out" "$work/gmpl.out" | head -10
        exit 1
    fi
    programs=$((programs + 1)) lines=$((lines + $(wc -l <"$work/prog.go"))) seed=$((seed + 1))
done
echo "no difference in $programs programs of $lines lines; last seed $((seed - 1))"
