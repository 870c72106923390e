"""How a page looks: on a wide screen and on a phone, light and dark; whether everybody can use it, and a picture.

With `CALLOFF_SCREENSHOTS=directory` each look of each page is written there; `make screenshots` is for docs/images/.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page

_AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1.min.js").read_text()
_RUN_AXE = """async () => {
  const found = await axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
  return found.violations.map((v) => [v.id, v.nodes.map((n) => n.html + " " + n.failureSummary)]);
}"""


@dataclass(frozen=True, slots=True)
class Look:
    """A screen and a colour scheme."""

    size: Literal["wide", "phone"]
    scheme: Literal["light", "dark"]

    def __str__(self) -> str:
        return f"{self.size}-{self.scheme}"

    @property
    def width(self) -> int:
        """In CSS pixels."""
        return 1280 if self.size == "wide" else 390

    @property
    def height(self) -> int:
        """In CSS pixels."""
        return 800 if self.size == "wide" else 844


WIDE = Look("wide", "light")
LOOKS = [WIDE, Look("wide", "dark"), Look("phone", "light"), Look("phone", "dark")]


async def examine(page: Page, name: str, look: Look) -> None:
    """The page breaks no rule that axe-core knows, and is no wider than the screen."""
    await page.evaluate(_AXE)
    violations: list[Any] = await page.evaluate(_RUN_AXE)
    assert violations == [], f"{name}, {look}"
    overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{name} is {overflow} px wider than {look.width} px"
    if directory := os.environ.get("CALLOFF_SCREENSHOTS"):
        await page.screenshot(path=Path(directory) / f"{name}-{look}.png")
