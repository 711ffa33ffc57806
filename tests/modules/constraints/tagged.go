//go:build special

package main

var _ = add("tagged")
