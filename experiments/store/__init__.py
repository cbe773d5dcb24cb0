"""Records on disk: written so that a crash loses nothing, read as what anybody may have changed."""
