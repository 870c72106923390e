"""A setting is declared once: a field of a dataclass or `TypedDict`, with its words and bounds.

    class Limits(TypedDict, total=False):
        calls_per_second: Annotated[float | None, About("Pace", none="no limit", at_least=0.001)]

What checks a value, the console's form, the option of the command line, the API's schema and the table in the
documentation are all made of that line.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, GroupedMetadata, Le
from pydantic import TypeAdapter, ValidationError

from calloff.domain.errors import InvalidInput, NotConfigured

T = TypeVar("T")
MOST = 1e9
"""What a number without a bound of its own is bounded by."""


class Kind(StrEnum):
    """What a setting holds, which decides how a form and a command line ask for it."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of setting
    """A text that is never shown again."""
    WHOLE = "whole number"
    DECIMAL = "number"
    CHOICE = "choice"
    SWITCH = "switch"
    TEXTS = "texts"
    """Several, separated by commas."""


@dataclass(frozen=True)
class About(GroupedMetadata):
    """The words and bounds of an `Annotated` setting."""

    title: str
    says: str = ""
    """What it does, in a sentence."""
    none: str = field(default="", kw_only=True)
    """What it means to have none of it, such as `no limit`."""
    at_least: float | None = field(default=None, kw_only=True)
    at_most: float | None = field(default=None, kw_only=True)
    labels: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Its choices in the words of a page, where they need any."""
    option: str = field(default="", kw_only=True)
    """Its name on the command line, if that is another."""
    is_secret: bool = field(default=False, kw_only=True)
    is_rare: bool = field(default=False, kw_only=True)
    """Whether it is shown apart from what everybody sets."""

    def __iter__(self) -> Iterator[object]:
        """Its bounds, for pydantic."""
        if self.at_least is not None:
            yield Ge(self.at_least)
        if self.at_most is not None:
            yield Le(self.at_most)


@dataclass(frozen=True)
class Setting:
    """One setting, as doors use it."""

    name: str
    kind: Kind
    about: About
    choices: Mapping[str, str]
    """Each value, and its label."""
    default: Any
    """None if there is none."""
    is_required: bool
    """Whether nothing can be made without it."""
    is_optional: bool
    """Whether it can be taken away again."""

    @property
    def wants(self) -> str:
        """What a value has to be, as the end of a sentence that begins with its title."""
        low, high = self.about.at_least, self.about.at_most
        match self.kind:
            case Kind.CHOICE:
                return f"must be one of {', '.join(self.choices)}"
            case Kind.SWITCH:
                return "must be true or false"
            case Kind.WHOLE | Kind.DECIMAL:
                if low is None or high is None:
                    return f"must be a {self.kind}" + (f", {low:g} or more" if low is not None else "")
                return f"must be a {self.kind} from {low:g} to {high:.10g}"
            case _:
                return "must be text"

    def parse(self, text: str) -> Any:
        """The value that somebody has written. Raises `InvalidInput`."""
        text = text.strip()
        try:
            match self.kind:
                case Kind.WHOLE:
                    return self._bounded(int(text))
                case Kind.DECIMAL:
                    return self._bounded(float(text))
                case Kind.SWITCH:
                    return {"true": True, "false": False}[text]
                case Kind.CHOICE:
                    return {each: each for each in self.choices}[text]
                case Kind.TEXTS:
                    return [each.strip() for each in text.split(",") if each.strip()]
                case _:
                    return text
        except (ValueError, KeyError):
            raise self.refusal() from None

    def write(self, value: Any) -> str:
        """A value as somebody would write it, so that `parse` reads it again; None is empty."""
        match value:
            case None:
                return ""
            case bool():
                return str(value).lower()
            case float():
                return f"{value:.10g}"
            case list() | tuple():
                return ", ".join(str(each) for each in value)
            case _:
                return str(value)

    def refusal(self) -> InvalidInput:
        """What to say of a value that it cannot be."""
        return InvalidInput(f"{self.about.title} {self.wants}.", field=self.name)

    def schema(self) -> dict[str, Any]:
        """As JSON Schema (2020-12)."""
        types = {Kind.WHOLE: "integer", Kind.DECIMAL: "number", Kind.SWITCH: "boolean", Kind.TEXTS: "array"}
        type_ = types.get(self.kind, "string")
        made: dict[str, Any] = {"type": [type_, "null"] if self.is_optional else type_}
        if self.kind is Kind.TEXTS:
            made["items"] = {"type": "string"}
        if self.kind is Kind.CHOICE:
            made["enum"] = [*self.choices, *([None] if self.is_optional else [])]
        bounds = {"minimum": self.about.at_least, "maximum": self.about.at_most}
        made |= {name: bound for name, bound in bounds.items() if bound is not None}
        if self.kind is Kind.SECRET:
            made["writeOnly"] = True
        says = [f"{self.about.title}.", self.about.says, f"null: {self.about.none}." if self.about.none else ""]
        made["description"] = " ".join(each for each in says if each)
        if self.default not in (None, ""):
            made["default"] = list(self.default) if isinstance(self.default, tuple) else self.default
        return made

    def _bounded(self, number: float) -> float:
        low, high = self.about.at_least, self.about.at_most
        if not (-MOST if low is None else low) <= number <= (MOST if high is None else high):
            raise ValueError
        return number


def settings_of(declaration: type) -> dict[str, Setting]:
    """The settings that a dataclass or `TypedDict` declares, by name, in order."""
    defaults = {each.name: each for each in _fields(declaration)}
    hints = get_type_hints(declaration, include_extras=True)
    return {name: _setting(name, hint, defaults.get(name)) for name, hint in hints.items()}


def check(declaration: type[T], given: Mapping[str, Any]) -> T:
    """What `given` makes of the declaration. Raises `InvalidInput` for the first setting that cannot be as it is."""
    known = settings_of(declaration)
    for name in given:
        if name not in known:
            raise InvalidInput(f"There is no setting {name[:100]} here. There are {', '.join(known)}.", field=name)
    for name, setting in known.items():
        if setting.is_required and given.get(name) is None:
            raise InvalidInput(f"{setting.about.title} is missing. Give it.", field=name)
    try:
        return TypeAdapter(declaration).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise known[str(first["loc"][0])].refusal() from None
    except NotConfigured as error:
        raise InvalidInput(error.message, field=error.field) from error


def _fields(declaration: type) -> tuple["dataclasses.Field[Any]", ...]:
    return dataclasses.fields(declaration) if dataclasses.is_dataclass(declaration) else ()


def _setting(name: str, hint: Any, declared: "dataclasses.Field[Any] | None") -> Setting:
    assert get_origin(hint) is Annotated, f"{name} does not say what it is about"
    type_, about = get_args(hint)
    is_nullable = get_origin(type_) in (Union, UnionType) and NoneType in get_args(type_)
    if is_nullable:
        [type_] = [each for each in get_args(type_) if each is not NoneType]
    default = declared.default if declared and declared.default is not dataclasses.MISSING else None
    if isinstance(default, Enum):
        default = default.value
    has_default = declared is not None and declared.default is not dataclasses.MISSING
    kind, choices = _kind(type_, about)
    labels = {choice: about.labels.get(choice, choice) for choice in choices}
    return Setting(
        name,
        kind,
        about,
        labels,
        default,
        is_required=declared is not None and not has_default,
        is_optional=is_nullable or has_default,
    )


def _kind(type_: Any, about: About) -> tuple[Kind, list[str]]:
    if get_origin(type_) is Literal:
        return Kind.CHOICE, [str(each) for each in get_args(type_)]
    if get_origin(type_) is tuple:
        return Kind.TEXTS, []
    if issubclass(type_, Enum):
        return Kind.CHOICE, [str(each.value) for each in type_]
    if type_ is str:
        return (Kind.SECRET if about.is_secret else Kind.TEXT), []
    return {bool: Kind.SWITCH, int: Kind.WHOLE, float: Kind.DECIMAL}[type_], []
