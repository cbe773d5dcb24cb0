"""Theory of sequence models: what they can remember, and what they can compute."""

__version__ = "0.1.0"
