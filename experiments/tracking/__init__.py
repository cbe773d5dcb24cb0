"""State tracking: what a recurrence computes, and for how long."""
