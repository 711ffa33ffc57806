package main

var _ = add(".hidden")
