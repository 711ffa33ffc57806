package main

import "fmt"

var third = func() int { fmt.Println("third"); return 3 }()

func init() { fmt.Println("init of a.go") }
