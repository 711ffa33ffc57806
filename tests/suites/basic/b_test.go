package basic_test

import (
	"suites/basic"
	"testing"
)

func TestExternal(t *testing.T) {
	if basic.Add(2, 2) != 4 {
		t.Fatal()
	}
}
