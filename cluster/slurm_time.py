"""Slurm's forms of a length of time, in limits and in what is left of them."""

import re

FORMS = re.compile(
    r"""(?P<days>\d+) - (?P<of_day>\d+) (?: :(?P<m1>\d+) (?: :(?P<s1>\d+) )? )?   # 2-12, 2-12:30, 2-12:30:00
      | (?P<hours>\d+) : (?P<m2>\d+) : (?P<s2>\d+)                                # 4:00:00
      | (?P<m3>\d+) (?: :(?P<s3>\d+) )?                                           # 90, 90:00""",
    re.VERBOSE,
)


def seconds(text: str) -> int | None:
    """How long that is; None where it is no length of time: UNLIMITED, NOT_SET, 4h."""
    found = FORMS.fullmatch(text)
    if not found:
        return None
    part = {name: int(digits or 0) for name, digits in found.groupdict().items()}
    hours = part["days"] * 24 + part["of_day"] + part["hours"]
    minutes = hours * 60 + part["m1"] + part["m2"] + part["m3"]
    return minutes * 60 + part["s1"] + part["s2"] + part["s3"]


def text(minutes: int) -> str:
    """The form that a profile would have it in: 0:30:00, 4:00:00, 2-00:00:00."""
    days, rest = divmod(minutes, 24 * 60)
    return f"{f'{days}-{rest // 60:02}' if days else rest // 60}:{rest % 60:02}:00"
