#!/bin/bash
# Lists the functions that run when programs are short, for grammar/order.txt: the linker lays them side by side.
#
#     benches/order.sh target/release/gmpl > grammar/order.txt
#
# First what `hello world` calls, then what the examples call besides. Names are without the compiler's hashes, so that they hold
# from one build to the next; `libc.a:malloc.o` is a member of the C library. Needs valgrind, and nm.
set -euo pipefail
gmpl=$1
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What has been called, once: callgrind names functions as the linker does.
called() {
    for program in "$@"; do
        timeout 300 valgrind --tool=callgrind --demangle=no --callgrind-out-file="$work/out" "$gmpl" run "$program" \
            < /dev/null > /dev/null 2> "$work/log" || [ $? -lt 124 ] || cat "$work/log" >&2
        grep -oE '^c?fn=\([0-9]+\) .*' "$work/out" | sed -E "s/^c?fn=\([0-9]+\) //; s/'[0-9]+$//"
    done | sort -u
}

# Without what another build names otherwise.
plain() {
    sed -E 's/17h[0-9a-f]{16}E.*/17h*/; s/Cs[0-9A-Za-z]{9,13}_/Cs*_/g; s/\.llvm\.[0-9]+$/*/'
}

nm -A --defined-only "$(cc -print-file-name=libc.a)" 2> /dev/null | awk '$2 ~ /^[TtWwi]$/ || NF == 3 { n = split($1, at, ":"); print $NF, "libc.a:" at[n - 1] }' | sort -u > "$work/libc"
# Of functions that are made for many types come ours, and last.
nm "$gmpl" | awk '$2 ~ /[tT]/ { print $3 }' | plain | sort | uniq -c | awk '$1 > 8 { print $2 }' > "$work/many"

order() {
    grep -E '^_(ZN|R)' "$1" | plain | sort -u > "$work/rust"
    grep -vxFf "$work/many" "$work/rust" || true
    grep -vE '^_(ZN|R)' "$1" | sort | join - "$work/libc" | cut -d' ' -f2 | sort -u
    grep -xFf "$work/many" "$work/rust" | sed 's/^/libgmpl-*:* /' || true
}

called "$here/../examples/hello.gm" > "$work/start"
called "$here"/../examples/*.gm "$here"/../examples/tour/*.gm > "$work/all"
{
    order "$work/start"
    order "$work/all"
} | awk '!seen[$0]++'
