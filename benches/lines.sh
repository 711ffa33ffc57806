#!/usr/bin/env bash
# lines.sh N: a program of about N lines (types, methods, generics, closures, maps, defers), to measure checking and compiling:
#   benches/lines.sh 100000 > /tmp/lines.go && time gmpl check /tmp/lines.go
set -eu
read -r -d '' unit <<'GO' || true
type Item@ struct {
	Name  string
	Count int
	Tags  []string
	Next  *Item@
}

func (it *Item@) Add(tag string, n int) error {
	if n < 0 {
		return fmt.Errorf("bad count %d for %q", n, it.Name)
	}
	it.Tags = append(it.Tags, strings.ToUpper(tag))
	it.Count += n
	return nil
}

type Pair@[K comparable, V any] struct {
	Key K
	Val V
}

func Collect@[K comparable, V any](m map[K]V, less func(a, b K) bool) []Pair@[K, V] {
	out := make([]Pair@[K, V], 0, len(m))
	for k, v := range m {
		out = append(out, Pair@[K, V]{k, v})
	}
	sort.Slice(out, func(x, y int) bool { return less(out[x].Key, out[y].Key) })
	return out
}

func work@(n int, ch chan<- int) (total int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered: %v", r)
		}
	}()
	items := map[string]*Item@{"a": {Name: "a"}, "b": {Name: "b", Count: n}}
	for j := 0; j < n; j++ {
		switch {
		case j%3 == 0:
			total += j * 2
		case j%5 == 0:
			total -= j / 3
		default:
			total ^= j<<1 | 1
		}
		if it, ok := items["a"]; ok && it.Count < 100 {
			if err := it.Add(fmt.Sprint(j), j&7); err != nil {
				return total, err
			}
		}
	}
	for _, p := range Collect@(items, func(a, b string) bool { return a < b }) {
		total += len(p.Key) + p.Val.Count
	}
	select {
	case ch <- total:
	default:
	}
	return total, nil
}
GO
cat <<'GO'
package main

import (
	"fmt"
	"sort"
	"strings"
)
GO
units=$((($1 - 12) / 62))
for ((i = 0; i < units; i++)); do
    printf '\n'
    printf '%s\n' "${unit//@/$i}"
done
cat <<'GO'

func main() {
	ch := make(chan int, 1)
	fmt.Println(work0(10, ch))
}
GO
