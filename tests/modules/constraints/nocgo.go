//go:build !special || !(plan9 && !gc)

package main

var _ = add("nocgo")
