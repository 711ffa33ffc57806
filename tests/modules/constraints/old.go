// +build ignore

package main

var _ = add("old")
