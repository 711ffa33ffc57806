//go:build !windows

package lib

const Name = "others"
