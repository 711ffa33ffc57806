package main

var _ = add("a_plan9")
