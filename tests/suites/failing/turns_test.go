package failing

import (
	"sync"
	"testing"
)

// Two goroutines look and then take: under some schedules both look before one takes.
func TestTurns(t *testing.T) {
	var mu sync.Mutex
	left, taken := 1, 0
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			mu.Lock()
			some := left > 0
			mu.Unlock()
			pause := make(chan int, 1)
			for i := range 50 {
				pause <- i
				<-pause
			}
			if some {
				mu.Lock()
				left--
				taken++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if taken != 1 {
		t.Errorf("taken %d times", taken)
	}
}

func TestSubLeak(t *testing.T) {
	shared := make(chan int)
	t.Run("fine", func(t *testing.T) {
		go func() { <-shared }()
	})
	t.Run("leaks", func(t *testing.T) {
		c := make(chan int)
		go func() { <-c }()
	})
	close(shared)
}
