module github.com/musterrun/muster

go 1.24
