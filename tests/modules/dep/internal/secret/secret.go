package secret

const Name = "a secret"
