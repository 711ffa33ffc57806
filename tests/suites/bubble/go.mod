module suites/bubble

go 1.27
