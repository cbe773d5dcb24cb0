"""What several mixers share: kernels, maps, starts and step sizes."""
