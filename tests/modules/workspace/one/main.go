package main

import (
	"fmt"

	"example.com/two"
)

func main() { fmt.Println(two.Name) }
