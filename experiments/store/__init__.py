"""Records on disk: written so that a crash loses nothing, and checked when they are read."""
