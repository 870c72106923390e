"""Grammars of keys: what can be pressed, whether what was pressed so far can still become an answer, what it means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

KEYS = "0123456789*#ABCD"
MAX_KEYS = 64
"""Longest answer."""
MAX_STATES = 20_000
"""How large a grammar may become once its repetitions and rules are written out."""


class GrammarTooLarge(ValueError):
    """A grammar has too many states."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, any of these."""

    keys: str


@dataclass(frozen=True, slots=True)
class InOrder:
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class OneOf:
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeated:
    part: "Node"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Tag:
    """Semantic interpretation (SISR 1.0): ECMAScript or a literal."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A reference to a rule, written out."""

    name: str
    part: "Node"


@dataclass(frozen=True, slots=True)
class Never:
    """Matches nothing (`VOID`)."""


Node = Key | InOrder | OneOf | Repeated | Tag | Rule | Never
EMPTY = InOrder(())

Step = tuple[Literal["key", "tag", "enter", "leave"], str]
"""What happened on the way through a grammar: a key, a tag, a rule that begins or ends."""
Value = Callable[[str], object]
"""What keys of a built-in type mean; None if they mean nothing, such as a 13th month."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A compiled grammar."""

    arcs: "tuple[tuple[tuple[str, Step | None, int], ...], ...]"
    """Of each state its arcs in order of preference: keys (empty for none), what happens, where it leads."""
    end: int
    value: Value | None = None
    """What the keys mean, for a built-in type; else the steps tell."""
    literals: bool = True
    """Whether tags are literals, or else ECMAScript."""

    def begin(self) -> "Matching":
        """A match that nothing has been pressed for."""
        return Matching(self, self._close([(0, None)]))

    def _close(self, threads: "list[tuple[int, _Path]]") -> "tuple[tuple[int, _Path], ...]":
        """The threads and what they reach without a key, each state once, the preferred way first."""
        seen: set[int] = set()
        closed: list[tuple[int, _Path]] = []
        stack = list(reversed(threads))
        while stack:
            state, path = stack.pop()
            if state in seen:
                continue
            seen.add(state)
            closed.append((state, path))
            for keys, step, target in reversed(self.arcs[state]):
                if not keys:
                    stack.append((target, path if step is None else (step, path)))
        return tuple(closed)


_Path = tuple[Step, "_Path"] | None


@dataclass(frozen=True, slots=True)
class Matching:
    """How far a grammar has come with the keys so far."""

    grammar: Grammar
    threads: tuple[tuple[int, _Path], ...]
    keys: str = ""

    def press(self, key: str) -> "Matching":
        """After one more key."""
        moved: list[tuple[int, _Path]] = []
        for state, path in self.threads:
            for keys, _, target in self.grammar.arcs[state]:
                if key in keys and keys:
                    moved.append((target, (("key", key), path)))
        return Matching(self.grammar, self.grammar._close(moved), self.keys + key)

    @property
    def is_possible(self) -> bool:
        """Whether the keys are the beginning of an answer, or one."""
        return bool(self.threads)

    @property
    def is_complete(self) -> bool:
        """Whether the keys are an answer."""
        if not self.keys or not any(state == self.grammar.end for state, _ in self.threads):
            return False
        return self.grammar.value is None or self.grammar.value(self.keys) is not None

    def takes(self, key: str) -> bool:
        """Whether the key could come next."""
        return any(key in keys for state, _ in self.threads for keys, _, _ in self.grammar.arcs[state] if keys)

    @property
    def can_go_on(self) -> bool:
        """Whether a further key could belong to the answer."""
        return any(keys for state, _ in self.threads for keys, _, _ in self.grammar.arcs[state])

    @property
    def steps(self) -> list[Step]:
        """The preferred way through the grammar, of a complete match."""
        path = next(path for state, path in self.threads if state == self.grammar.end)
        steps: list[Step] = []
        while path is not None:
            step, path = path
            steps.append(step)
        return steps[::-1]


def compile_grammar(node: Node, *, value: Value | None = None, literals: bool = True) -> Grammar:
    """Write a grammar out. Raises `GrammarTooLarge`."""
    compiler = _Compiler()
    end = compiler.add(node, 0)
    return Grammar(tuple(tuple(arcs) for arcs in compiler.arcs), end, value, literals)


@dataclass(slots=True)
class _Compiler:
    arcs: list[list[tuple[str, Step | None, int]]] = field(default_factory=lambda: [[]])

    def add(self, node: Node, state: int) -> int:
        """Let `node` begin in `state`; the state in which it ends."""
        match node:
            case Key(keys):
                return self._arc(state, keys, None)
            case Tag(text):
                return self._arc(state, "", ("tag", text))
            case Rule(name, part):
                return self._arc(self.add(part, self._arc(state, "", ("enter", name))), "", ("leave", name))
            case InOrder(parts):
                for part in parts:
                    state = self.add(part, state)
                return state
            case OneOf(parts):
                return self._one_of(parts, state)
            case Repeated():
                return self._repeated(node, state)
            case Never():
                return self._state()

    def _one_of(self, parts: Sequence[Node], state: int) -> int:
        ends = [self.add(part, self._arc(state, "", None)) for part in parts]
        end = self._state()
        for each in ends:
            self.arcs[each].append(("", None, end))
        return end

    def _repeated(self, node: Repeated, state: int) -> int:
        for _ in range(node.least):
            state = self.add(node.part, state)
        if node.most is None:
            again = self._arc(state, "", None)
            back = self.add(node.part, self._arc(again, "", None))
            self.arcs[back].append(("", None, again))
            return self._arc(again, "", None)
        ends = [state]
        for _ in range(node.most - node.least):
            state = self.add(node.part, self._arc(state, "", None))
            ends.append(state)
        end = self._state()
        for each in ends:
            self.arcs[each].append(("", None, end))
        return end

    def _arc(self, state: int, keys: str, step: Step | None) -> int:
        target = self._state()
        self.arcs[state].append((keys, step, target))
        return target

    def _state(self) -> int:
        if len(self.arcs) >= MAX_STATES:
            raise GrammarTooLarge(f"The grammar is too large; {MAX_STATES} states are the most. Repeat less.")
        self.arcs.append([])
        return len(self.arcs) - 1
