module example.com/dep/inner

go 1.27
