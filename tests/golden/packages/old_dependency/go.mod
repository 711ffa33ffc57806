module example.com/new

go 1.27

require example.com/older v0.0.0

replace example.com/older => ./older
