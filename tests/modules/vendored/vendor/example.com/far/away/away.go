package away

import "example.com/far"

func Name() string { return far.Name + " away" }
