package dep

import (
	"example.com/dep/inner"
	"example.com/dep/internal/secret"
)

func Name() string { return secret.Name + " and " + inner.Name }
