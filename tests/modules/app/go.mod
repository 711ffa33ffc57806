module example.com/app

go 1.27

require (
	example.com/dep v1.2.3
	example.com/dep/inner v0.1.0 // indirect
)

replace example.com/dep v1.2.3 => ../dep

replace (
	example.com/dep/inner => ../dep/inner
)
