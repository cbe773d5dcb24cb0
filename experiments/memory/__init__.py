"""Memory: what a recurrent model can hold stably (arXiv 2305.19190 and 2311.14495)."""
