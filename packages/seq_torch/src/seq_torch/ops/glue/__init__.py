"""What the operations share: the choice of a backend, checks, registration, threads, layouts."""
