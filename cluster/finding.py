"""What a check found, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "problem", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One check's outcome; anything but ok has a remedy: a command, or a key of a YAML and its value."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}" + f"; {self.remedy}" * bool(self.remedy)


def ok(name: str, detail: str) -> Finding:
    return Finding(name, "ok", detail)


def warning(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, "warning", detail, remedy)


def problem(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, "problem", detail, remedy)


def unknown(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, "unknown", detail, remedy)
