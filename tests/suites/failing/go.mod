module suites/failing

go 1.27
