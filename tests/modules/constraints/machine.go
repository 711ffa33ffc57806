// A comment first.

/* And
   another. */

//go:build (amd64 || arm64) && unix && !windows

package main

var _ = add("machine")
