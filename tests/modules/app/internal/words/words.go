package words

import "fmt"

const Hello = "hello"

func init() { fmt.Println("init of words") }
