//go:build !ignore
// +build ignore

package main

var _ = add("both")
