package main

var _ = add("_hidden")
