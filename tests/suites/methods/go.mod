module suites/methods

go 1.27
