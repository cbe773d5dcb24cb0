"""State tracking: what theory says a recurrence can follow, beside what training finds."""
