#!/bin/sh
# Writes expected.txt: what real Go prints for the command lines of cases.txt.
cd "$(dirname "$0")" || exit 1
while read -r dir args; do
	echo "== $dir $args"
	# shellcheck disable=SC2086
	(cd "$dir" && GOPROXY=off go run $args 2>&1)
done <cases.txt >expected.txt
