package basic

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestAdd(t *testing.T) {
	if Add(1, 2) != 3 {
		t.Error("no")
	}
	t.Log("fine", secret())
}

func TestFail(t *testing.T) {
	t.Errorf("got %d\nwant %d", 1, 2)
	t.Run("sub one", func(t *testing.T) {
		t.Log("in sub")
		helper(t)
	})
	t.Run("sub one", func(t *testing.T) {})
	t.Run("skip", func(t *testing.T) { t.Skip("later") })
	t.Run("fatal", func(t *testing.T) {
		t.Cleanup(func() { t.Log("cleanup") })
		t.Fatal("fatal")
		t.Log("never")
	})
}

func helper(t *testing.T) {
	t.Helper()
	t.Error("from helper")
}

func TestParallel(t *testing.T) {
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			time.Sleep(time.Duration(30-10*i) * time.Millisecond)
			t.Log("i", i)
		})
	}
}

func TestDirs(t *testing.T) {
	d := t.TempDir()
	t.Chdir(d)
	t.Setenv("A_X", "1")
	if os.Getenv("A_X") != "1" {
		t.Fatal("env")
	}
	select {
	case <-t.Context().Done():
		t.Fatal("done")
	default:
	}
	ctx := t.Context()
	t.Cleanup(func() {
		if ctx.Err() == nil {
			t.Error("not cancelled")
		}
	})
	fmt.Fprint(t.Output(), "partial")
	t.Log("line")
}

func ExampleAdd() {
	fmt.Println(Add(1, 2))
	fmt.Println("x")
	// Output:
	// 3
	// x
}

func ExampleAdd_bad() {
	fmt.Println("b")
	fmt.Println("a")
	// Output: a
}

func ExampleAdd_unordered() {
	fmt.Println("b")
	fmt.Println("a")
	// Unordered output:
	// a
	// b
}

func FuzzX(f *testing.F) {
	f.Add(1, "a")
	f.Add(2, "b")
	f.Fuzz(func(t *testing.T, n int, s string) {
		if n == 2 {
			t.Errorf("bad %d %s", n, s)
		}
	})
}
func BenchmarkAdd(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Add(i, i)
	}
}
func BenchmarkLoop(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Add(1, 1)
	}
	b.ReportMetric(3.5, "x/op")
}
