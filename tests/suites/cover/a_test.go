package cover

import "testing"

func TestF(t *testing.T) { F(2); F(9); labels(3); T[int]{}.M(); T[string]{}.M() }
