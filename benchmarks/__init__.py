"""Speed and memory against peers, measured in one run on one machine. Nothing here is a test."""
