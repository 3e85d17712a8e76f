"""What a verification looks at and finds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from study.errors import StudyError

COPY = "bring it back from a copy"

Digest = Callable[[str], str]  # a trial's id from its content


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be. It is no fault where nothing is lost and nothing needs to be done."""

    where: str
    what: str
    remedy: str
    fault: bool


@dataclass
class Findings:
    """What was looked at, and what was found."""

    files: int = 0
    rows: int = 0
    found: list[Finding] = field(default_factory=list)

    def fault(self, where: Path | str, what: str, remedy: str) -> None:
        self.found.append(Finding(str(where), what, remedy, True))

    def tell(self, where: Path | str, what: str, remedy: str) -> None:
        """Notes what is no fault."""
        self.found.append(Finding(str(where), what, remedy, False))

    def look(self, where: Path | str, what: str, check: Callable[[], object]) -> None:
        """Runs a check; whatever it raises is a fault, and hides nothing that other checks find."""
        try:
            check()
        except Exception as error:
            kind = "" if isinstance(error, StudyError) else f"{type(error).__name__}: "
            told = f"{kind}{error}".partition("\n")[0]
            self.fault(where, f"{what} could not be checked: {told}", "mend what it names, and verify again")
