package main

var _ = add("d_plan9_sparc64")
