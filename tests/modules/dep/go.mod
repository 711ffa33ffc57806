module example.com/dep

go 1.27

require example.com/dep/inner v0.1.0
