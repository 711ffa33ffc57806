package main

import (
	"example.com/app/nowhere"
	"example.com/elsewhere"
)

func main() { println(nowhere.Name, elsewhere.Name) }
