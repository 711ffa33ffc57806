package cover

import "fmt"

// F does.
func F(x int) (s string) {
	if x > 3 {
		s = "big"
	} else if x > 2 {
		s = "mid"
	} else {
		s = "small"
	}

	// A comment.

	for i := range x {
		if i == 7 {
			break
		}
		s += fmt.Sprint(i)
	}
	switch x {
	case 1:
		s += "one"
	case 2, 3:
	default:
		// nothing
	}
	f := func() int {
		return 3
	}
	f()
	return s
}

func empty() {}

func unused() {
	println(1)
	panic("x")
	println(2)
}

var v = func() int { return 1 }()

func labels(n int) {
	const (
		// c
		a = 1

		b = 2
	)
loop:
	for {
		select {
		default:
			break loop
		}
	}
	goto end
end:
	n++
	{
		n--
	}
	var x any = n
	switch x.(type) {
	case int:
		n++
	}
	defer func() { recover() }()
	done := make(chan bool)
	go func() { close(done) }()
	<-done
	func() {}()
	if f := func() bool { return true }; f() {
		n++
	}
	switch {
	}
	select {
	case <-make(chan int):
	default:
	}
}

type T[P any] struct{}

func (t T[P]) M() { println("m") }
