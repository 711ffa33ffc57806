package main

import (
	"fmt"
	"slices"

	"example.com/constraints/lib"
)

var files []string

func add(name string) bool {
	files = append(files, name)
	return true
}

func main() {
	slices.Sort(files)
	fmt.Println(files)
	fmt.Println(lib.Name)
}
