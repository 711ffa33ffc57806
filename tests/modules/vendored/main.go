package main

import (
	"fmt"

	"example.com/far/away"
)

func main() { fmt.Println(away.Name()) }
