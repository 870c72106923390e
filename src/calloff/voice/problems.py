"""What is wrong with an application, in the words that its author gets."""

from collections.abc import Sequence
from dataclasses import dataclass

from calloff.domain.errors import InvalidInput

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where it stands, and what to do about it."""

    line: int
    """Counted from 1; 0 if it is not about a line."""
    element: str
    """Name of the element, without brackets; empty if the document could not be read that far."""
    message: str

    def __str__(self) -> str:
        place = f"Line {self.line}" if self.line else "The document"
        return f"{place}, <{self.element}>: {self.message}" if self.element else f"{place}: {self.message}"


class ApplicationError(InvalidInput):
    """The application cannot be run as it is; `problems` holds everything that was found, in document order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            shown.append(f"And {len(self.problems) - _SHOWN} more.")
        super().__init__("\n".join(shown))
