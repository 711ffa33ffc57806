//go:build go1.1 && go1.27

package main

var _ = add("release")
