package inner

const Name = "an inner module"
