//go:build ignore

package main

var _ = add("ignored")
