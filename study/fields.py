"""The types of a study's YAML values: names that a registry knows, numbers that make sense, told apart with reasons."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

from search_spaces import SAMPLERS, SPACES
from study.errors import unknown
from study.measures import EXTRACTORS, METRICS
from study.models.losses import LOSSES, VARIANTS

MOST = 2**31 - 1  # of what is counted


def _known(kind: str, registry: Mapping[str, object]) -> BeforeValidator:
    """Refuses a text that is no key of the registry, with the closest key and all of them."""

    def check(value: object) -> object:
        if isinstance(value, str) and value not in registry:
            raise ValueError(str(unknown(kind, value, registry)))
        return value

    return BeforeValidator(check)


def _enum(registry: Mapping[str, object]) -> JsonDict:
    return {"enum": list(registry)}


def unique(names: list[str] | None) -> list[str] | None:
    twice = sorted({name for name in names or [] if (names or []).count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return names


def _points(value: object) -> object:
    """A positive whole number or a list of them, told apart here because a union would fault both."""
    for number in value if isinstance(value, list) else [value]:
        if value is not None and (type(number) is not int or number < 1):
            raise ValueError(f"expected a number of evaluations, or a list of steps, from 1 on, got {value!r:.80}")
    return value


def _variants(value: object) -> object:
    """A variant, or losses with their variants, checked here because a union would fault both."""
    for loss in value if isinstance(value, dict) else []:
        if loss not in LOSSES:
            raise ValueError(str(unknown("a loss", loss, LOSSES)))
    for variant in value.values() if isinstance(value, dict) else [value]:
        if not isinstance(variant, str) or variant not in VARIANTS:
            raise ValueError(str(unknown("a variant", variant, VARIANTS)))
    return value


LossName = Annotated[str, _known("a loss", LOSSES), Field(json_schema_extra=_enum(LOSSES))]
SpaceName = Annotated[str, _known("a search space", SPACES), Field(json_schema_extra=_enum(SPACES))]
SamplerName = Annotated[str, _known("a sampler", SAMPLERS), Field(json_schema_extra=_enum(SAMPLERS))]
ExtractorName = Annotated[str, _known("an extractor", EXTRACTORS), Field(json_schema_extra=_enum(EXTRACTORS))]
MetricName = Annotated[str, _known("a metric", METRICS), Field(json_schema_extra=_enum(METRICS))]
Points = Annotated[int | list[int] | None, BeforeValidator(_points)]
IDENTIFIER = r"^[a-z0-9][a-z0-9_-]{0,63}$"
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Variants = Annotated[
    str | dict[str, str],  # of every loss, or loss by loss, the others as run
    BeforeValidator(_variants),
    Field(json_schema_extra={"anyOf": [_enum(VARIANTS), {"type": "object", "additionalProperties": _enum(VARIANTS)}]}),
]
