package main

import "fmt"

var second = third * 2

func init() { fmt.Println("first init of b.go") }

func init() { fmt.Println("second init of b.go") }
