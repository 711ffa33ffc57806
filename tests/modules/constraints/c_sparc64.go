package main

var _ = add("c_sparc64")
