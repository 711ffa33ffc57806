module suites/basic

go 1.27
