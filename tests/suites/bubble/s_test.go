package bubble

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fmt.Println(start.UTC())
		time.Sleep(24 * time.Hour)
		t.Log(time.Since(start))
		n := 0
		go func() { time.Sleep(time.Second); n = 5 }()
		synctest.Wait()
		fmt.Println(n)
		time.Sleep(time.Second)
		synctest.Wait()
		fmt.Println(n)
	})
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		time.Sleep(5*time.Second - 1)
		synctest.Wait()
		if err := ctx.Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1)
		synctest.Wait()
		if ctx.Err() != context.DeadlineExceeded {
			t.Fatal("no deadline")
		}
	})
}

func TestTicker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 3 {
				fmt.Println((<-tick.C).UTC())
			}
		}()
		wg.Wait()
		done := make(chan int)
		time.AfterFunc(time.Hour, func() { close(done) })
		select {
		case <-done:
		case <-time.After(2 * time.Hour):
			t.Error("late")
		}
	})
}

func TestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Error("inside")
		t.Cleanup(func() { t.Log("cleanup") })
		t.Fatal("fatal")
	})
	t.Log("not here")
}

func TestMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sum := 0
		for i := range 100 {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				mu.Lock()
				sum += i
				mu.Unlock()
			}()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		fmt.Println(sum)
	})
}
func TestDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		<-make(chan int)
	})
}
func TestLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		go func() { <-make(chan int) }()
	})
}
