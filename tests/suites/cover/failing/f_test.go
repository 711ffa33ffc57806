package failing_test

import (
	"testing"

	"example.com/cover/failing"
)

func TestFails(t *testing.T) {
	if failing.Sign(0) != 0 {
		t.Error("no zero")
	}
}

func TestEach(t *testing.T) {
	failing.Each([]int{1, 2, 3}, func(int) {})
	if testing.CoverMode() != "" && (testing.Coverage() <= 0 || testing.Coverage() >= 1) {
		t.Error(testing.Coverage())
	}
}
