"""Mixers: causal maps of sequences, one file each."""

from .lstm import LSTMConfig
from .mixer import MixerConfig, Recurrent
from .rnn import RNNConfig

__all__ = ["LSTMConfig", "MixerConfig", "RNNConfig", "Recurrent"]
