"""Which rules of the configuration have to do with a listed model, and where they stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..bounds import MAX_EXCERPT
from ..desired.naming import EXCLUDE, INCLUDE, RENAME, Offer
from ..text import first_of, shortened
from ..validate import path_text
from .explanation import Name, Rule

if TYPE_CHECKING:
    from ..config.loader import Lines
    from ..config.model import Backend

_MOST_NAMED: Final = 8
"""Fields that an effect names."""
_OPTIONS: Final = {
    "name_taken": (("on_taken_name",),),
    "name_shared": (("on_taken_name",),),
    "clash": (("on_clash",),),
    "policy": (("policy",),),
    "grace": (("removal_grace",),),
    "maintenance": (("maintenance",),),
    "limit": (("limits", "max_models"), ("limits", "max_creates")),
    "held": (
        ("limits", "max_delete_fraction"),
        ("limits", "min_deployments"),
        ("limits", "suspicion_period"),
    ),
}
"""By reason of a refusal or skip: the options that decide about it."""


@dataclass(frozen=True, slots=True)
class Section:
    """The section of a backend: its number in the configuration, and the lines of the file."""

    number: int
    backend: Backend
    lines: Lines

    def rule(self, path: tuple[str | int, ...], text: str, effect: str) -> Rule:
        """Return a rule of this section."""
        whole = ("backends", self.number, *path)
        return self._rule(whole, text, effect)

    def shared(self, path: tuple[str | int, ...], text: str, effect: str) -> Rule:
        """Return a rule that the section has, or else the top level."""
        whole = ("backends", self.number, *path)
        return self._rule(whole if self.lines.line(*whole) else path, text, effect)

    def has(self, *path: str | int) -> bool:
        """Tell whether the file sets something in this section."""
        return self.lines.line("backends", self.number, *path) > 0

    def _rule(self, path: tuple[str | int, ...], text: str, effect: str) -> Rule:
        line = self.lines.line(*path)
        return Rule(path_text(path), line, shortened(text, MAX_EXCERPT), effect)


def rules_of(section: Section, offer: Offer, names: Iterable[Name]) -> tuple[Rule, ...]:
    """Return the rules that decided about a model, in the order in which they are applied."""
    found = [
        *_selecting(section, offer),
        *_setting(section, offer),
        *_naming(section, offer),
        *_deciding(section, names),
    ]
    return tuple(dict.fromkeys(found))


def _selecting(section: Section, offer: Offer) -> Iterator[Rule]:
    """Yield what lets the model through, or leaves it out."""
    backend, decided = section.backend, offer.left_out_by
    if backend.include is not None:
        effect = "does not match: leaves it out" if decided == INCLUDE else "matches: lets it in"
        yield section.rule((INCLUDE,), backend.include.text, effect)
    if backend.exclude is not None and decided != INCLUDE:
        effect = "matches: leaves it out" if decided == EXCLUDE else "does not match: lets it in"
        yield section.rule((EXCLUDE,), backend.exclude.text, effect)
    if decided not in ("", INCLUDE, EXCLUDE, RENAME):
        yield section.rule((decided,), "", f"leaves it out: {offer.unwanted}")


def _setting(section: Section, offer: Offer) -> Iterator[Rule]:
    """Yield what sets fields of its row."""
    backend = section.backend
    for option in ("generic_params", "litellm_params_defaults"):
        if section.has(option) and backend.litellm_params:
            yield section.rule((option,), "", f"sets {_listed(backend.litellm_params)}")
    if backend.model_info:
        yield section.rule(("model_info_defaults",), "", f"sets {_listed(backend.model_info)}")
    if offer.model.id in backend.models:
        number = list(backend.models).index(offer.model.id)
        yield section.rule(("models", number), "", "lists it")
    if offer.override is not None:
        override = backend.overrides[offer.override]
        effect = f"matches: sets {_listed(override.capabilities)}"
        yield section.rule(("overrides", offer.override, "regex"), override.pattern.text, effect)
    if section.has("discovery"):
        effect = "what its backend tells is registered" if backend.discovery else "only its mode is"
        yield section.rule(("discovery",), str(backend.discovery).lower(), effect)


def _naming(section: Section, offer: Offer) -> Iterator[Rule]:
    """Yield what makes its public names and its upstream."""
    backend = section.backend
    if backend.strip_tag and offer.model.id.endswith(f":{backend.strip_tag}"):
        yield section.rule(("strip_tag",), backend.strip_tag, "is left out of its name")
    if section.has("name_format"):
        effect = f"gives it the name {offer.names[0]}"
        yield section.rule(("name_format",), backend.name_format, effect)
    if offer.alias_of:
        names = ", ".join(backend.aliases[offer.alias_of])
        yield section.rule(("aliases", offer.alias_of), names, "gives it further names")
    if section.has("model_format"):
        yield section.rule(("model_format",), backend.model_format, "makes its upstream")
    for number in offer.renamed_by:
        rule = backend.renames[number]
        failed = offer.left_out_by == RENAME and number == offer.renamed_by[-1]
        effect = "leaves no usable upstream" if failed else "changes its upstream"
        text = f"{rule.pattern.text} -> {rule.template}"
        yield section.rule((RENAME, number, "regex"), text, effect)


def _deciding(section: Section, names: Iterable[Name]) -> Iterator[Rule]:
    """Yield what decided about its names and the operations on them."""
    backend = section.backend
    for name in names:
        for number, pattern in enumerate(backend.joinable_names):
            if pattern.matches(name.key.name):
                effect = f"lets {name.key.name} join rows of others"
                yield section.shared(("joinable_names", number), pattern.text, effect)
        for reason in dict.fromkeys((name.decision, name.outcome)):
            for path in _OPTIONS.get(reason, ()):
                yield section.shared(path, "", f"decides: {reason}")


def _listed(names: Iterable[str]) -> str:
    return first_of(sorted(names), _MOST_NAMED)
