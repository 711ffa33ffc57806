package failing

func Sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		fallthrough
	default:
		return 1
	}
}

// Each calls back from another goroutine.
func Each(list []int, f func(int)) {
	done := make(chan bool)
	for _, n := range list {
		go func() {
			defer func() { done <- true }()
			if n == 3 {
				return
			}
			f(n)
		}()
	}
	for range list {
		<-done
	}
}
