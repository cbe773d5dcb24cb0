"""The word problem of A5: how many blocks a model needs to track products as words grow."""
