package lib

const Name = "plan9"
