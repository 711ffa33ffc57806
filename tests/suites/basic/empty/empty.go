package empty

// F has no tests.
func F() {}
