package main

var _ = add("b_unix")
