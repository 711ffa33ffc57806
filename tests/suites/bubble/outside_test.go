package bubble

import (
	"testing"
	"testing/synctest"
	"time"
)

func outside(t *testing.T) (c chan int, timer *time.Timer, ticker *time.Ticker) {
	synctest.Test(t, func(t *testing.T) {
		c = make(chan int, 1)
		c <- 1
		timer = time.NewTimer(time.Hour)
		ticker = time.NewTicker(time.Hour)
	})
	return
}

func TestOutsideReceive(t *testing.T) {
	c, _, _ := outside(t)
	<-c
}

func TestOutsideSend(t *testing.T) {
	c, _, _ := outside(t)
	c <- 1
}

func TestOutsideClose(t *testing.T) {
	c, _, _ := outside(t)
	close(c)
}

func TestOutsideSelect(t *testing.T) {
	c, _, _ := outside(t)
	select {
	case <-c:
	case <-time.After(time.Second):
	}
}

func TestOutsideTry(t *testing.T) {
	c, _, _ := outside(t)
	select {
	case c <- 1:
	default:
	}
}

func TestOutsideRange(t *testing.T) {
	c, _, _ := outside(t)
	for range c {
	}
}

func TestOutsideExpiry(t *testing.T) {
	_, timer, _ := outside(t)
	<-timer.C
}

func TestOutsideStop(t *testing.T) {
	_, timer, _ := outside(t)
	timer.Stop()
}

func TestOutsideReset(t *testing.T) {
	_, _, ticker := outside(t)
	ticker.Reset(time.Second)
}

// A channel from outside may be used inside; what waits for it is not idle.
func TestInside(t *testing.T) {
	c := make(chan int)
	go func() {
		time.Sleep(time.Millisecond)
		c <- 1
	}()
	synctest.Test(t, func(t *testing.T) { <-c })
	c, _, _ = outside(t)
	t.Log(len(c), cap(c))
}
