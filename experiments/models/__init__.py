"""Checkpoints that come with `seq_torch`: how each is made, measured and told.

`catalogue` lists them; the study `models.checkpoints` makes them, one run each; `cards` writes the
files that `seq_torch.pretrained` loads.
"""
