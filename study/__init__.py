"""Studies of generative models: many losses, one architecture, one budget, one table."""

__version__ = "0.1.0"
