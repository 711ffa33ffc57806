//go:build !amd64

package main

func add(x, y int) int { return x + y }
