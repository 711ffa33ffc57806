// +build plan9 windows
// +build !ignore

package main

var _ = add("old_too")
