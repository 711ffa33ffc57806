// Package older belongs to a module that is written for an older release.
package older

// Counts returns functions that each return a loop's variable.
func Counts() (fs []func() int) {
	for i := 0; i < 3; i++ {
		fs = append(fs, func() int { return i })
	}
	return fs
}
