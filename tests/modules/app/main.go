// The app uses packages of its own module and of another.
package main

//go:generate never run

import (
	"fmt"

	"example.com/app/internal/words"
	"example.com/dep"
	"example.com/dep/sub"
)

var first = second + 1

func init() { fmt.Println("init of main.go", first, second, third) }

func main() {
	fmt.Println(words.Hello, dep.Name(), sub.Name)
}
