"""Long-range tasks: whether the kind and place of normalisation decide what S4 reaches."""
