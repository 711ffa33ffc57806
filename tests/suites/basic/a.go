package basic

func Add(x, y int) int { return x + y }
func secret() int      { return 7 }
