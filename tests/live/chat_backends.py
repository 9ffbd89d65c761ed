"""Fake backends that also chat, in the shapes that LiteLLM's providers read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from engine.fakes.backend import FakeBackend
from engine.fakes.server import Answer

_NOW = "2026-01-01T00:00:00.000000Z"


@dataclass(frozen=True)
class Chat:
    """One chat that reached a backend."""

    path: str
    model: str
    authorization: str


class ChatBackend(FakeBackend):
    """Lists like its parent and answers chats; ``chats`` holds those that reached it.

    Ollama has its own ``/api/generate`` and ``/api/chat`` below its root; the others have
    OpenAI's ``/v1/chat/completions``, which ``openai`` has without ``/v1`` too, as llama.cpp
    does. A model that is not listed is a 404, as with real ones. With a ``chat_key`` it lists to
    everybody, and chats with those who send that key.
    """

    def __init__(
        self, kind: str = "openai", models: Sequence[str] = (), *, key: str | None = None
    ) -> None:
        super().__init__(kind, models, key=key)
        self.chats: list[Chat] = []
        self.chat_key: str | None = None

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """Answer one request."""
        if method != "POST" or (self.key is not None and authorization != f"Bearer {self.key}"):
            return super().answer(method, path, authorization, body)
        if self.chat_key is not None and authorization != f"Bearer {self.chat_key}":
            return _json(401, {"error": {"message": "Invalid API Key", "code": 401}})
        return self._chat(path, authorization, body) or super().answer(
            method, path, authorization, body
        )

    def _chat(self, path: str, authorization: str, body: bytes) -> Answer | None:
        """Answer a POST; None where this kind has no such path."""
        asked = json.loads(body or b"{}")
        model = str(asked.get("model") or asked.get("name") or "")
        if model not in self.models:
            return _json(404, {"error": f"model '{model}' not found"})
        if self.kind == "ollama" and path == "/api/show":
            return _json(200, {"template": "", "details": {}, "model_info": {}, "capabilities": []})
        spoken: dict[str, dict[str, object]] = {
            "/api/generate": {"response": "hello"},
            "/api/chat": {"message": {"role": "assistant", "content": "hello"}},
        }
        if self.kind == "ollama" and path in spoken:
            self.chats.append(Chat(path, model, authorization))
            return _json(200, {"model": model, **spoken[path], **_OLLAMA_END})
        bare = ("/chat/completions",) if self.kind == "openai" else ()
        if self.kind != "ollama" and path in ("/v1/chat/completions", *bare):
            self.chats.append(Chat(path, model, authorization))
            return _json(200, _completion(model))
        return None


_OLLAMA_END = {
    "created_at": _NOW,
    "done": True,
    "done_reason": "stop",
    "total_duration": 5_000_000,
    "load_duration": 1_000_000,
    "prompt_eval_count": 3,
    "prompt_eval_duration": 2_000_000,
    "eval_count": 1,
    "eval_duration": 2_000_000,
}


def _completion(model: str) -> dict[str, object]:
    message = {"role": "assistant", "content": "hello"}
    return {
        "id": "chatcmpl-live",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }


def _json(status: int, document: object) -> Answer:
    return Answer(status, json.dumps(document).encode())
