"""The results of a study: a plan, rows of evaluations, and how to read them."""

from study.results.query import connect, load
from study.results.store import Store

__all__ = ["Store", "connect", "load"]
