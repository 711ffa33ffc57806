package none

import "testing"

func TestX(t *testing.T) {}
