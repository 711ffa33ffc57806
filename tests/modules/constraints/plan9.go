package main

var _ = add("plan9")
