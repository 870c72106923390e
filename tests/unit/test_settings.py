"""Settings are declared once: what is read, refused, written and documented of each comes from its declaration."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from calloff.accounts.deployments import DeploymentSettings
from calloff.domain.errors import InvalidInput, NotConfigured
from calloff.domain.settings import About, Kind, Setting, check, settings_of
from calloff.trunks.sip_settings import SipTrunkSettings
from tests.support.setting_tables import TABLES, pages, with_tables


@dataclass(frozen=True)
class Oven:
    """One setting of each kind."""

    name: Annotated[str, About("Name")]
    degrees: Annotated[float, About("Degrees", at_least=0.5, at_most=300)] = 180.0
    trays: Annotated[int | None, About("Trays", none="no limit", at_least=1)] = None
    heat: Annotated[Literal["top", "fan"], About("Heat", labels={"fan": "Fan"})] = "fan"
    is_locked: Annotated[bool, About("Child lock")] = False
    programs: Annotated[tuple[str, ...], About("Programs")] = ()
    code: Annotated[str, About("Code", is_secret=True)] = ""

    def __post_init__(self) -> None:
        if self.trays == 13:
            raise NotConfigured("An oven never has 13 trays.", field="trays")


OVEN = settings_of(Oven)


def test_what_is_read_of_a_declaration() -> None:
    assert [setting.kind for setting in OVEN.values()] == [
        Kind.TEXT,
        Kind.DECIMAL,
        Kind.WHOLE,
        Kind.CHOICE,
        Kind.SWITCH,
        Kind.TEXTS,
        Kind.SECRET,
    ]
    assert [name for name, setting in OVEN.items() if setting.is_required] == ["name"]
    assert [name for name, setting in OVEN.items() if not setting.is_optional] == ["name"]
    assert OVEN["heat"].choices == {"top": "top", "fan": "Fan"}
    assert OVEN["heat"].default == "fan"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", " Big one ", "Big one"),
        ("degrees", "0.5", 0.5),
        ("degrees", "300", 300.0),
        ("trays", "1", 1),
        ("heat", "top", "top"),
        ("is_locked", "true", True),
        ("programs", "bread, , cake", ["bread", "cake"]),
    ],
)
def test_what_somebody_writes_is_read_and_written_again(name: str, text: str, value: object) -> None:
    setting = OVEN[name]
    assert setting.parse(text) == value
    assert setting.parse(setting.write(value)) == value


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("degrees", "0.4", "Degrees must be a number from 0.5 to 300."),
        ("degrees", "301", "Degrees must be a number from 0.5 to 300."),
        ("degrees", "nan", "Degrees must be a number from 0.5 to 300."),
        ("degrees", "inf", "Degrees must be a number from 0.5 to 300."),
        ("degrees", "hot", "Degrees must be a number from 0.5 to 300."),
        ("trays", "0", "Trays must be a whole number, 1 or more."),
        ("trays", "1.5", "Trays must be a whole number, 1 or more."),
        ("trays", "9" * 5000, "Trays must be a whole number, 1 or more."),
        ("heat", "grill", "Heat must be one of top, fan."),
        ("is_locked", "maybe", "Child lock must be true or false."),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        OVEN[name].parse(text)
    assert (refused.value.field, refused.value.message) == (name, sentence)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": "x", "door": 1}, "door"),
        ({"name": "x", "degrees": 0.1}, "degrees"),
        ({"name": "x", "trays": 0}, "trays"),
        ({"name": "x", "trays": 13}, "trays"),
        ({"name": "x", "heat": "grill"}, "heat"),
        ({"name": "x", "programs": "bread"}, "programs"),
        ({"name": 7}, "name"),
    ],
)
def test_values_are_checked_by_the_same_declaration(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(Oven, given)
    assert refused.value.field == field


def test_what_nothing_can_be_made_without_is_asked_for() -> None:
    with pytest.raises(InvalidInput, match="Name is missing"):
        check(Oven, {})


def test_what_is_left_out_has_its_default() -> None:
    assert check(Oven, {"name": "x"}) == Oven("x")
    assert check(Oven, {"name": "x", "trays": 2, "programs": ["bread"]}) == Oven("x", trays=2, programs=("bread",))
    assert check(DeploymentSettings, {"calls_per_second": None}) == {"calls_per_second": None}


def test_the_schema_says_the_same() -> None:
    assert OVEN["trays"].schema() == {
        "type": ["integer", "null"],
        "minimum": 1,
        "description": "Trays. null: no limit.",
    }
    assert OVEN["heat"].schema()["enum"] == ["top", "fan", None]
    assert OVEN["code"].schema()["writeOnly"]


ALL = [(table, setting) for table, settings in TABLES.items() for setting in settings.values()]


@pytest.mark.parametrize(("table", "setting"), ALL, ids=lambda each: getattr(each, "name", each))
def test_every_default_is_one_that_may_be_set(table: str, setting: Setting) -> None:
    assert setting.about.title
    if setting.default not in (None, (), ""):
        written = setting.parse(setting.write(setting.default))
        assert (tuple(written) if isinstance(written, list) else written) == setting.default


def test_a_password_is_shown_by_nothing() -> None:
    assert settings_of(SipTrunkSettings)["password"].kind is Kind.SECRET
    assert "hush" not in repr(SipTrunkSettings("sip:127.0.0.1", password="hush"))


def test_the_documentation_lists_every_setting() -> None:
    found = "".join(page.read_text(encoding="utf-8") for page in pages())
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert text == with_tables(text), "Run `make api-docs`."
    for table, settings in TABLES.items():
        assert f"<!-- settings: {table} -->" in found
        for name in settings:
            assert f"| `{name}` |" in found
