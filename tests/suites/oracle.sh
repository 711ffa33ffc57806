#!/bin/sh
# Writes expected.txt: what real `go test` prints and returns for each line of cases.txt, `SUITE ARGS`. Times are replaced by T,
# stacks by one line; tests/test_command.rs does the same with what gmpl prints.
cd "$(dirname "$0")" || exit 1
: > expected.txt
while read -r suite args; do
    echo "\$ $suite $args" >> expected.txt
    (cd "$suite" && eval "go test -vet=off -count=1 $args" 2>&1; echo "status $?") |
        sed -E 's/\([0-9.]+s\)/(T)/; s/\t[0-9.]+s$/\tT/; s/\t[0-9.]+s /\tT /; s/\t[0-9.]+s\t/\tT\t/
                s/"Time":"[^"]*"/"Time":"T"/; s/"Elapsed":[0-9.]+/"Elapsed":T/; s/\\t[0-9.]+s/\\tT/; s/[0-9.]+ ns\/op/N ns\/op/
                s/^(Benchmark[A-Za-z]*)-[0-9]+ +/\1 /; s/^cpu: .*/cpu: C/' |
        awk '/^goroutine [0-9]+/ { if (!inside) print "<stack>"; inside = 1 } /^FAIL\t/ { inside = 0 } !inside' >> expected.txt
done < cases.txt
# Which blocks ran, and how often.
(cd cover && go test -count=1 -covermode=count -coverprofile=profile.txt ./... >/dev/null 2>&1)
