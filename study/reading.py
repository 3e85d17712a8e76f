"""Reads a YAML that a person wrote into a model, and tells every fault: where it is, the value, what is allowed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from study.errors import StudyError, did_you_mean, unknown


class Part(BaseModel):
    """Frozen, and closed to unknown keys and to silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Model = TypeVar("Model", bound=Part)


class _Once(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, where YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(model: type[Model], name: str, shipped: Mapping[str, Path], kind: str) -> Model:
    """What a shipped name or a YAML file's path holds. kind: what the shipped ones are called, 'a preset'."""
    try:
        text = _path(name, shipped, kind).read_text()
    except UnicodeDecodeError as error:
        raise StudyError(f"{name} is no text in UTF-8: {error}") from error
    return parse(model, text, str(name))


def parse(model: type[Model], text: str, source: str) -> Model:
    """What a YAML text holds. Raises StudyError with every fault: where it is, the value, what is allowed."""
    try:
        content = yaml.load(text, _Once)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise StudyError(f"{source} is no YAML: {error}") from error
    return validate(model, content, source)


def validate(model: type[Model], content: object, source: str) -> Model:
    """What a mapping holds. Raises StudyError like `parse`."""
    if not isinstance(content, dict):
        raise StudyError(
            f"{source}: expected a mapping with the keys {', '.join(model.model_fields)}, got {content!r:.60}"
        )
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise StudyError("\n".join(_fault(model, source, fault) for fault in error.errors())) from error


def shipped(folder: Path) -> dict[str, Path]:
    """The YAML files of a folder by their names."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _path(name: str, shipped: Mapping[str, Path], kind: str) -> Path:
    path = Path(name)
    if name in shipped:
        return shipped[name]
    if path.suffix in {".yaml", ".yml"} or "/" in name:
        if not path.is_file():
            raise StudyError(f"there is no file {name}; write one, or name {kind}: {', '.join(shipped)}")
        return path
    raise unknown(kind, name, shipped, hint=f"{name}.yaml" if Path(f"{name}.yaml").is_file() else "")


def _fault(model: type[Part], source: str, fault: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"] if part != "[key]")
    where = f"{source}: {place.lstrip('.') or model.__name__.lower()}"
    if fault["type"] == "extra_forbidden":
        allowed = _keys_at(model, fault["loc"][:-1])
        return f"{where}: unknown key{did_you_mean(fault['loc'][-1], allowed)}; valid: {', '.join(allowed)}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "model_type":
        message = f"expected a mapping with the keys {', '.join(_keys_at(model, fault['loc']))}"
    found = "" if fault["type"] in {"value_error", "missing"} else f", got {fault['input']!r:.80}"
    return f"{where}: {message}{found}"


def _keys_at(model: type[Part], place: tuple[str | int, ...]) -> list[str]:
    """The keys of the part at a place: the last model that its field names, lists and mappings lead to."""
    here = model
    for part in place:
        field = here.model_fields.get(str(part))
        here = (_part_in(field.annotation) if field else None) or here  # else an index or a key of a mapping
    return list(here.model_fields)


def _part_in(annotation: Any) -> type[Part] | None:
    """The model in an annotation: Select, Select | None, list[Phase], dict[str, Schedule]."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _part_in(inner))), None)
