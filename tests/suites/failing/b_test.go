package failing

import (
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	code := m.Run()
	os.Exit(code)
}

func TestOK(t *testing.T) {}

func TestPanic(t *testing.T) {
	t.Run("sub", func(t *testing.T) {
		t.Log("before")
		panic("boom")
	})
}

func TestTimeout(t *testing.T) {
	time.Sleep(10 * time.Second)
}

func TestExit0(t *testing.T) { os.Exit(0) }
func TestExit3(t *testing.T) { os.Exit(3) }

func TestLeak(t *testing.T) {
	c := make(chan int)
	for range 2 {
		go func() { c <- 1 }()
	}
	<-c
}
func TestIndex(t *testing.T) {
	var a []int
	_ = a[3]
}
