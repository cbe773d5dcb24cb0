"""Studies on the seqtheory bench."""
