package methods

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestMain(m *testing.M) {
	fmt.Println("before")
	code := m.Run()
	fmt.Println("after", code)
	os.Exit(code)
}

func TestPasses(t *testing.T) {
	fmt.Println(t.Name(), t.Failed(), t.Skipped(), testing.Testing(), testing.Short(), testing.Verbose(), testing.CoverMode(), testing.Coverage())
	helper(t, "from a helper")
	t.Cleanup(func() { fmt.Println("cleaned up last") })
	t.Cleanup(func() { fmt.Println("cleaned up first", t.Context().Err()) })
	dir := t.TempDir()
	fmt.Println(t.TempDir() != dir, filepath.IsAbs(dir), t.Context().Err())
	t.Setenv("GOLDEN_NAME", "set")
	fmt.Println(os.Getenv("GOLDEN_NAME"))
	t.Chdir(dir)
	now, _ := os.Getwd()
	fmt.Println(filepath.Base(now) == filepath.Base(dir))
	d, ok := t.Deadline()
	fmt.Println(ok, time.Until(d) > time.Minute)
	fmt.Println(t.Run("sub test", func(t *testing.T) {
		fmt.Println(t.Name())
		t.Run("inner", func(t *testing.T) { t.Log("logged inside") })
		t.Run("inner", func(t *testing.T) { fmt.Println(t.Name()) })
		t.Run("", func(t *testing.T) { fmt.Println(t.Name()) })
		t.Run("odd\tna\x00me/é", func(t *testing.T) { fmt.Println(t.Name()) })
	}))
	fmt.Println(t.Run("skips", func(t *testing.T) {
		defer func() { fmt.Println("skipped", t.Skipped()) }()
		t.Skip("for", "a reason")
	}))
	t.Run("skipf", func(t *testing.T) { t.Skipf("%d", 1); fmt.Println("not reached") })
	t.Run("skipnow", func(t *testing.T) { t.SkipNow() })
	fmt.Fprintln(t.Output(), "output\nof two lines")
	fmt.Fprint(t.Output(), "without an end")
	t.Attr("key", "value")
	fmt.Println(t.ArtifactDir() != "")
}

func TestBubble(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begin, done := time.Now(), false
		go func() {
			time.Sleep(time.Hour)
			done = true
		}()
		synctest.Sleep(59 * time.Minute)
		fmt.Println(done, time.Since(begin))
		synctest.Sleep(time.Minute)
		fmt.Println(done, time.Since(begin))
	})
}

func helper(t testing.TB, text string) {
	t.Helper()
	t.Log(text)
}

func TestFails(t *testing.T) {
	fmt.Println(t.Run("error", func(t *testing.T) { t.Error("an", "error"); fmt.Println("goes on", t.Failed()) }))
	fmt.Println(t.Run("errorf", func(t *testing.T) { t.Errorf("%d errors\nin two lines", 2) }))
	fmt.Println(t.Run("fatal", func(t *testing.T) { t.Fatal(errors.New("fatal")); fmt.Println("not reached") }))
	fmt.Println(t.Run("fatalf", func(t *testing.T) { t.Fatalf("%v", []int{1}) }))
	fmt.Println(t.Run("fail", func(t *testing.T) { t.Log("logged", 1); t.Logf("%q", "formatted"); t.Fail() }))
	fmt.Println(t.Run("failnow", func(t *testing.T) { defer fmt.Println("deferred"); t.FailNow() }))
	t.Run("in a helper", func(t *testing.T) { helper(t, "logged at the caller"); t.Fail() })
	t.Run("in a cleanup", func(t *testing.T) { t.Cleanup(func() { t.Error("cleanup fails") }) })
	fmt.Println(t.Failed())
}

func TestTable(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b int
		want int
	}{{"small", 1, 2, 3}, {"negative", -1, -2, -3}, {"wrong", 2, 2, 5}} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.a + c.b; got != c.want {
				t.Errorf("%d + %d = %d, want %d", c.a, c.b, got, c.want)
			}
		})
	}
}

func TestParallel(t *testing.T) {
	start := make(chan bool)
	t.Run("group", func(t *testing.T) {
		t.Run("one", func(t *testing.T) {
			t.Parallel()
			<-start
		})
		close(start)
	})
	fmt.Println("after the group")
}

func TestMisuse(t *testing.T) {
	catch := func(f func()) {
		defer func() { fmt.Println(recover()) }()
		f()
	}
	t.Run("parallel twice", func(t *testing.T) {
		t.Parallel()
		catch(t.Parallel)
		catch(func() { t.Setenv("A", "b") })
		catch(func() { t.Chdir(".") })
	})
	t.Run("setenv then parallel", func(t *testing.T) {
		t.Setenv("A", "b")
		catch(t.Parallel)
	})
}

func FuzzMethods(f *testing.F) {
	func() {
		f.Helper()
		f.Log("at the caller")
	}()
	f.Add("seed", 1)
	f.Add("", -1)
	f.Setenv("FUZZ", "x")
	f.Chdir(f.TempDir())
	f.Cleanup(func() { fmt.Println("fuzz cleaned up") })
	f.Attr("fuzz", "yes")
	fmt.Fprintln(f.Output(), "fuzz output")
	f.Log("log", f.Name(), f.Failed(), f.Skipped(), f.Context().Err(), f.ArtifactDir() != "")
	f.Logf("%d", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 0 {
			t.Error("negative", s)
		}
	})
}

func FuzzSkips(f *testing.F)  { f.Skip("skip") }
func FuzzSkipf(f *testing.F)  { f.Skipf("%s", "skipf") }
func FuzzSkip(f *testing.F)   { f.SkipNow() }
func FuzzErrors(f *testing.F) { f.Error("e"); f.Errorf("%d", 2); f.Fail() }
func FuzzFatal(f *testing.F)  { f.Fatal("fatal") }
func FuzzFatalf(f *testing.F) { f.Fatalf("%s", "fatalf") }
func FuzzFail(f *testing.F)   { f.FailNow() }

func BenchmarkMethods(b *testing.B) {
	b.Helper()
	b.Setenv("BENCH", "x")
	b.Chdir(b.TempDir())
	cleaned := false
	b.Cleanup(func() { cleaned = true })
	b.Attr("bench", "yes")
	if b.Name() != "BenchmarkMethods" || b.Failed() || b.Skipped() || b.Context().Err() != nil || b.Elapsed() < 0 || b.ArtifactDir() == "" || cleaned {
		b.Fatal("wrong")
	}
	for range b.N {
	}
	b.ReportAllocs()
	b.SetBytes(8)
	b.StopTimer()
	b.StartTimer()
	b.ResetTimer()
	b.ReportMetric(float64(b.N), "rounds")
	b.ReportMetric(0, "B/op")
	b.ReportMetric(0, "MB/s")
	b.ReportMetric(0, "allocs/op")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkEnds(b *testing.B) {
	b.Run("skip", func(b *testing.B) { b.Skip("skip") })
	b.Run("skipf", func(b *testing.B) { b.Skipf("%s", "skipf") })
	b.Run("skipnow", func(b *testing.B) { b.SkipNow() })
	b.Run("errors", func(b *testing.B) { b.Error("e"); b.Errorf("%d", 2); b.Fail() })
	b.Run("fatal", func(b *testing.B) { b.Fatal("fatal") })
	b.Run("fatalf", func(b *testing.B) { b.Fatalf("%s", "fatalf") })
	b.Run("failnow", func(b *testing.B) { b.FailNow() })
	b.Run("log", func(b *testing.B) {
		fmt.Fprintln(b.Output(), "output")
		b.Log("logged")
		b.Logf("%d", 1)
		b.ReportMetric(0, "ns/op")
	})
}
