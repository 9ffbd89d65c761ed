"""What one backend says about one model: its fields, each with its source.

The rule for capabilities: yes on positive evidence, no only where the backend gives a closed list,
otherwise nothing. An unknown capability is not in the record, so it is never written as a "no".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..bounds import MAX_ALIASES, MAX_SLOTS, MAX_TOKENS

MODES: Final = (
    "chat",
    "completion",
    "embedding",
    "rerank",
    "image_generation",
    "audio_transcription",
    "audio_speech",
    "video_generation",
    "moderation",
)
"""The values of LiteLLM's ``model_info.mode`` that a local backend can have."""
LOADED: Final = "loaded"
UNLOADED: Final = "unloaded"
FAILED: Final = "failed"


@dataclass(slots=True)
class Record:
    """One model as its backend describes it, while it is being read.

    ``info`` holds fields of LiteLLM's ``model_info``, ``sources`` the source of each (``GET /props:
    chat_template_caps``). ``parent`` is the base model of a LoRA adapter. ``state`` is one of the
    words above, or "". ``remote`` says that the model runs elsewhere. ``family`` is the family or
    base model that the server names. ``slots`` is the number of requests that the backend handles
    at once (0: unknown). ``aliases`` are other ids under which the model is served.

    The context window that a model was trained for is not recorded: a server may run the model
    with a smaller one, and cut longer prompts.
    """

    id: str
    info: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    parent: str = ""
    state: str = ""
    remote: bool = False
    family: str = ""
    slots: int = 0
    aliases: tuple[str, ...] = ()

    def note(self, name: str, value: Any, source: str) -> None:
        """Note a field, unless ``value`` is None or an earlier, better source gave it."""
        if value is not None and name not in self.info:
            self.info[name] = value
            self.sources[name] = source

    def mode(self, value: str | None, source: str) -> None:
        """Note what the model is for; a word that is not in MODES is ignored."""
        self.note("mode", value if value in MODES else None, source)

    def flag(self, name: str, value: object, source: str) -> None:
        """Note ``supports_<name>``; anything but true and false is unknown."""
        self.note(f"supports_{name}", value if isinstance(value, bool) else None, source)

    def tokens(self, name: str, value: object, source: str) -> None:
        """Note a limit in tokens; anything but a whole number above 0 is unknown."""
        self.note(name, _count(value, MAX_TOKENS) or None, source)

    def serve(self, value: object) -> None:
        """Note how many requests it handles at once; anything but a whole number is unknown."""
        self.slots = _count(value, MAX_SLOTS)

    def also(self, names: Iterable[str]) -> None:
        """Note other ids under which it is served."""
        self.aliases = tuple(sorted({*names} - {self.id}))[:MAX_ALIASES]

    def inputs(self, modalities: object, source: str) -> None:
        """Note what it can read, from a list that names every modality it accepts."""
        if isinstance(modalities, list) and modalities:
            self.flag("vision", "image" in modalities, source)
            self.flag("audio_input", "audio" in modalities, source)


def _count(value: object, most: int) -> int:
    """Return a whole number from 1 to ``most``, 0 for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most:
        return value
    return 0


def texts(value: object) -> list[str]:
    """Return the strings of a list; nothing for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def part(value: object, *path: str) -> Any:
    """Return the value at a path of nested objects, None if there is none."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def first_mode(words: Iterable[str], modes: Mapping[str, str]) -> str | None:
    """Return the mode of the first of a backend's ``words`` that ``modes`` knows."""
    return next((modes[word] for word in words if word in modes), None)
