package main

import "example.com/dep/internal/secret"

func main() { println(secret.Name) }
