"""Lists that are too long, too deep or too wide; ids, numbers and texts that are not valid."""

from __future__ import annotations

import gzip
import io
import json
import logging
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from engine.backends.fetch import fetch_listings
from engine.bounds import (
    FREE_MEMORY,
    MAX_ALIASES,
    MAX_ALL_MODELS,
    MAX_BODY,
    MAX_DEPTH,
    MAX_ID,
    MAX_MEMORY,
    MAX_MODELS,
    MAX_SLOTS,
    MAX_TOKENS,
    MAX_VALUES,
    VALUE_COST,
)
from engine.config.loader import load_config
from engine.config.model import Config
from engine.errors import Garbled
from engine.reconcile import Memory, Ports, reconcile_once
from engine.report.operator_log import LogFormatter
from engine.report.plan_log import PlanLog
from engine.report.terminal import Renderer
from engine.state.listing import INVALID, OK, Listing
from engine.text import Redactor
from engine.transport.budget import Allowance, Pool
from engine.transport.client_pool import Http
from engine.transport.json_stream import document_of, text_size, values_in
from tests.quick import QUICK
from tests.rawserver import AMPLE, RawServer, Script, always, answer, as_json

from .town import MASTER, MAX_PEAK, Town, survived, town

SIZE = MAX_BODY - 100


def maps() -> bytes:
    return b'{"data":[' + b"{}," * (SIZE // 3) + b"0]}"


def nested() -> bytes:
    return b'{"data":[' + (b'{"a":' * 90 + b"1" + b"}" * 90 + b",") * 1600 + b"0]}"


def text() -> bytes:
    return b'{"data":[{"id":"a","x":"' + b"a" * SIZE + b'"}]}'


def ids(count: int) -> bytes:
    return b'{"data":[' + b",".join(b'{"id":"%d"}' % number for number in range(count)) + b"]}"


# --- whole cycles, in a process of their own ---

LISTS: dict[str, tuple[Callable[[], bytes], str]] = {
    # what the backend answers, and a part of the message about it
    "ten megabytes of maps": (maps, "holds over 150000 values"),
    "half a million models": (lambda: ids(500_000), "holds over 150000 values"),
    "more models than are read": (lambda: ids(MAX_MODELS + 1), "has over 5000 models"),
    "one emoji in a long text": (
        lambda: text().replace(b"aa", "🙂".encode(), 1),
        "has over 10485760 bytes",
    ),
    "deep maps": (lambda: b'{"data":' + b'{"a":' * 500 + b"1" + b"}" * 501, "nested too deeply"),
    "two lists in one answer": (lambda: b'{"data":[{"id":"a"}],"data":[]}', "'data' two values"),
    "ids of a megabyte": (lambda: b'["' + b"x" * 2**20 + b'"]', "over 1024 charac"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LISTS)
def test_a_hostile_list_harms_nobody(tmp_path: Path, case: str) -> None:
    make, message = LISTS[case]
    with town(tmp_path) as place:
        outcome = survived(place, answer(make()))
    assert "bad  http" in outcome.out
    assert message in outcome.out


def test_a_small_bomb_of_values_harms_nobody(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        packed = gzip.compress(maps())
        assert len(packed) < 20_000
        outcome = survived(place, answer(packed, "Content-Encoding: gzip"))
    assert "check that url and models_endpoint lead to one" in outcome.out


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [maps, nested, lambda: ids(MAX_MODELS)], ids=["maps", "nested", "models"]
)
def test_eight_hostile_backends_at_once_leave_the_process_alive(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    body = make()
    with town(tmp_path) as place:
        servers = [place.server(answer(body)) for _ in range(8)]
        place.configure(*({"name": f"b{n}", "url": s.url} for n, s in enumerate(servers)))
        outcome = place.run("plan")
    assert outcome.code in (3, 4), outcome.out  # 3: over limits.max_models
    assert "create good-1" in outcome.out
    assert 0 < outcome.peak < MAX_PEAK, f"{outcome.peak >> 20} MiB"


# --- one listing ---


class Place:
    """Backends that answer as a script says, and the listings that the engine reads from them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.http = Http(QUICK)
        stack.callback(self.http.close)
        (folder / "litellm").write_text("k")

    def config(self, *scripts: Script | bytes, **options: Any) -> Config:
        servers = [
            self.stack.enter_context(RawServer(always(s) if isinstance(s, bytes) else s))
            for s in scripts
        ]
        backends = [
            {"name": f"b{n}", "url": s.url, "timeout": AMPLE, **options}
            for n, s in enumerate(servers)
        ]
        text = json.dumps({"litellm": {"url": "http://nowhere.invalid"}, "backends": backends})
        (self.folder / "config.yaml").write_text(text)
        return load_config(self.folder / "config.yaml", self.folder)

    def listings(self, *scripts: Script | bytes, **options: Any) -> tuple[Listing, ...]:
        return fetch_listings(self.config(*scripts, **options).backends, self.http)

    def listing(self, document: Any, **options: Any) -> Listing:
        body = answer(document) if isinstance(document, bytes) else as_json(document)
        return self.listings(body, **options)[0]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, stack)


def test_a_list_of_the_greatest_length_is_read(place: Place) -> None:
    assert len(place.listing(ids(MAX_MODELS)).models) == MAX_MODELS


@pytest.mark.parametrize("kind", ["openai", "ollama", "llamacpp", "vllm", "lmstudio", "auto"])
def test_a_list_that_is_too_long_is_invalid_with_a_remedy(place: Place, kind: str) -> None:
    listing = place.listing(ids(MAX_MODELS + 1), type=kind)
    assert listing.outcome == INVALID
    assert not listing.models
    assert "has over 5000 models, which is more than the engine reads; check" in listing.detail
    assert "type: static" in listing.detail


def test_pages_that_together_are_too_long_are_invalid(place: Place) -> None:
    asked = iter(range(1000))

    def script(exchange: Any) -> None:
        start = next(asked) * 1000
        page = [{"id": f"m{start + number}"} for number in range(1000)]
        exchange.send(as_json({"data": page, "has_more": True}))

    (listing,) = place.listings(script)
    assert (listing.outcome, listing.models) == (INVALID, ())
    assert "over 5000 models" in listing.detail


def test_of_lists_that_together_are_too_long_the_longest_is_invalid(place: Place) -> None:
    counts = (MAX_MODELS - 20, 10, MAX_MODELS, MAX_MODELS - 20)
    assert sum(counts) > MAX_ALL_MODELS >= sum(counts) - MAX_MODELS
    listings = place.listings(*(answer(ids(count)) for count in counts))
    assert [listing.outcome for listing in listings] == [OK, OK, INVALID, OK]
    assert "it lists 5000 models, and all backends together list over 10000" in listings[2].detail
    assert "check that url leads to the right list" in listings[2].detail


def test_static_lists_are_counted_too(place: Place) -> None:
    many = [f"m{number}" for number in range(MAX_ALL_MODELS + 1)]
    (listing,) = place.listings(b"", type="static", models=many)
    assert (listing.outcome, listing.models) == (INVALID, ())


@pytest.mark.parametrize(("length", "read"), [(MAX_ID, True), (MAX_ID + 1, False)])
def test_an_overlong_id_is_left_out_with_a_note(place: Place, length: int, *, read: bool) -> None:
    listing = place.listing(["a", "x" * length])
    assert listing.outcome == OK
    assert not listing.partial
    assert (len(listing.models) == 2) is read
    assert read or listing.detail == "1 model ids have over 1024 characters; left out"


def test_a_list_of_nothing_but_overlong_ids_is_not_an_empty_list(place: Place) -> None:
    assert place.listing(["x" * 5000]).outcome == INVALID


@pytest.mark.parametrize(("depth", "read"), [(MAX_DEPTH - 3, True), (MAX_DEPTH - 2, False)])
def test_an_answer_is_read_down_to_a_maximum_depth(place: Place, depth: int, *, read: bool) -> None:
    body = b'{"data":[{"id":"a","x":' + b"[" * depth + b"]" * depth + b"}]}"
    listing = place.listing(body)
    assert (listing.outcome == OK) is read
    assert read or f"nested too deeply (over {MAX_DEPTH} levels); see what" in listing.detail


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        ('{"id":"a","id":"b"}', INVALID),
        ('{"id":"a","x":{"y":1,"y":true,"z":[]}}', INVALID),
        ('{"id":"a","id":"a","x":{"y":[1],"y":[1]}}', OK),
    ],
)
def test_a_list_with_an_entry_that_contradicts_itself_is_invalid(
    place: Place, entry: str, outcome: str
) -> None:
    assert place.listing(f'{{"data":[{entry}]}}'.encode()).outcome == outcome


def test_a_repeated_name_is_shown_without_control_characters(place: Place) -> None:
    listing = place.listing(b'{"\\u001b[31m%s":1,"\\u001b[31m%s":2}' % ((b"x" * 9000,) * 2))
    assert listing.outcome == INVALID
    assert listing.detail.isprintable()
    assert len(listing.detail) < 300


NUMBERS: list[Any] = [10**400, -(10**400), 10**19, 2**63, -1, 0, True, 1e308, "7", None, [], {}]


@pytest.mark.parametrize("kind", ["openai", "vllm", "llamacpp", "lmstudio", "tgi", "ollama"])
def test_an_odd_number_is_unknown(place: Place, subtests: pytest.Subtests, kind: str) -> None:
    names = ("max_model_len", "context_length", "max_output_tokens", "total_slots", "n_ctx")
    scripts = []
    for number in NUMBERS:
        numbers = dict.fromkeys(
            (*names, "max_input_tokens", "max_total_tokens", "parallel"), number
        )
        model = {**numbers, "id": "m", "name": "m", "key": "m", "type": "llm", "details": numbers}
        model |= {"meta": numbers, "loaded_instances": [{"config": numbers}], "model_id": "m"}
        props = {"default_generation_settings": numbers, "modalities": numbers}
        props["chat_template"] = number
        document = {"data": [model], "models": [model], **numbers, **props, "model_id": "m"}
        scripts.append(as_json(document))
    listings = place.listings(*scripts, type=kind, use_slots=True)
    for number, listing in zip(NUMBERS, listings, strict=True):
        with subtests.test(str(number)[:8]):
            assert listing.outcome == OK, listing.detail
            (found,) = listing.models
            assert type(found.slots) is int
            assert found.slots == 0
            assert not [name for name in found.info if "tokens" in name]


def test_a_number_within_bounds_is_known(place: Place) -> None:
    document = {"data": ["m"], "total_slots": MAX_SLOTS, "n_ctx": 1}
    settings = {"default_generation_settings": {"n_ctx": MAX_TOKENS}}
    (model,) = place.listing({**document, **settings}, type="llamacpp").models
    assert (model.slots, model.info["max_input_tokens"]) == (MAX_SLOTS, MAX_TOKENS)


def test_other_ids_are_read_up_to_a_bound(place: Place) -> None:
    many = [f"n{number:03}" for number in range(MAX_ALIASES + 1)]
    unusable = ["m", "*", "a\0", "\ud800", "x" * (MAX_ID + 1), 7, None]
    entries = [{"id": "m", "aliases": unusable}, {"id": "n", "aliases": many}]
    for kind in ("llamacpp", "openai"):
        models = place.listing({"data": entries}, type=kind).models
        assert [model.aliases for model in models] == [(), tuple(many[:-1])]


@pytest.mark.parametrize("digits", ["²", "٣", "9" * 5000, "-1", "1e3", ""])
def test_an_argument_that_is_not_a_plain_number_is_unknown(place: Place, digits: str) -> None:
    status = {"value": "loaded", "args": ["--ctx-size", digits]}
    listing = place.listing({"data": [{"id": "m", "status": status}]}, type="llamacpp")
    assert listing.outcome == OK, listing.detail
    assert "max_input_tokens" not in listing.models[0].info


@pytest.mark.parametrize("name", ["\ud800", "a\x00", "*", "x" * (MAX_ID + 1)])
def test_a_family_or_parent_that_is_not_a_usable_name_is_unknown(place: Place, name: str) -> None:
    entry = {"id": "m", "root": name, "parent": name}
    (model,) = place.listing({"data": [entry]}, type="vllm").models
    assert (model.family, model.parent) == ("unknown", "unknown")


# --- values are counted before they are parsed ---


@pytest.mark.parametrize(
    ("text", "values"),
    [(b"1", 0), (b"[]", 1), (b"[1,2]", 2), (b'{"a":1,"b":[{},{}]}', 6), (b'"a,b"', 1)],
)
def test_the_values_of_a_text_are_counted_even_in_small_pieces(text: bytes, values: int) -> None:
    assert values_in(text) == values
    assert sum(values_in(text[at : at + 1]) for at in range(len(text))) == values


def test_reading_stops_when_an_answer_has_too_many_values(place: Place) -> None:
    sent = 0

    def script(exchange: Any) -> None:
        nonlocal sent
        exchange.send(answer(b"", length=2**30) + b"[")
        while exchange.send(b"{}," * 10_000):
            sent += 30_000
        exchange.close()

    (listing,) = place.listings(script)
    assert f"holds over {MAX_VALUES} values" in listing.detail
    assert sent < MAX_BODY


@pytest.mark.parametrize("text", ["abc", "é", "größe", "模型", "🙂", "a" * 100 + "🙂"])
def test_the_size_of_a_text_is_never_underestimated(text: str) -> None:
    overhead = 80
    assert text_size(text.encode()) >= text.__sizeof__() - overhead


SHAPES: dict[str, Callable[[int], bytes]] = {
    "maps": lambda n: b"[" + b"{}," * n + b"0]",
    "nested": lambda n: b"[" + (b'{"a":' * 90 + b"1" + b"}" * 90 + b",") * (n // 90) + b"0]",
    "pairs": lambda n: b"{" + b",".join(b'"k%d":"v%d"' % (i, i) for i in range(n)) + b"}",
    "maps of one": lambda n: b"[" + b",".join(b'{"k%d":1.5}' % i for i in range(n)) + b"]",
    "models": ids,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_value_takes_no_more_memory_than_is_counted_for_it(shape: str) -> None:
    body = bytearray(SHAPES[shape](20_000))
    counted = (1 + values_in(body)) * VALUE_COST + text_size(body)
    tracemalloc.start()
    try:
        document = document_of(body)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert document
    assert not body
    assert taken < counted


# --- memory of several answers together ---


def test_small_answers_take_nothing_from_the_common_memory() -> None:
    pool = Pool(0)
    with Allowance(pool) as allowance:
        allowance.spend(FREE_MEMORY)
        with pytest.raises(Garbled, match=f"together take over {MAX_MEMORY >> 20} M"):
            allowance.spend(1)


def test_the_memory_of_an_answer_is_given_back() -> None:
    pool = Pool(2 * MAX_BODY)
    for _ in range(5):
        with Allowance(pool) as first, Allowance(pool) as second:
            first.spend(MAX_BODY)
            second.spend(MAX_BODY)
            before = second.spent()
            with pytest.raises(Garbled, match="has over"):
                second.spend(1)
            assert second.spent() == before
    assert pool.draw(2 * MAX_BODY)
    assert not pool.draw(1)


def test_the_bytes_of_all_pages_of_one_reading_are_added_up(place: Place) -> None:
    page = {"id": "m", "x": "a" * (MAX_BODY // 3)}
    asked = iter(range(1000))

    def script(exchange: Any) -> None:
        entry = {**page, "id": f"m{next(asked)}"}
        exchange.send(as_json({"data": [entry], "has_more": True}))

    (listing,) = place.listings(script)
    assert len(listing.models) == 2
    assert listing.partial
    assert place.http.pool.draw(MAX_MEMORY), "all of it was given back"


def test_the_values_of_all_pages_of_one_reading_are_added_up() -> None:
    allowance = Allowance()
    allowance.spend(0, MAX_VALUES)
    with pytest.raises(Garbled, match="holds over 150000 values"):
        allowance.spend(0, 1)


# --- texts that go to a terminal ---

UGLY = "a\x1b]0;owned\x07\x9b31m\u202e\u2066\u200f\ufeff\U000e0041\r\n\u2028b"


def test_control_characters_of_an_id_never_reach_a_terminal_or_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        place = Town(tmp_path, stack, "auto", 5)
        place.bad.script = always(as_json({"data": [{"id": UGLY, "owned_by": UGLY}]}))
        config = load_config(tmp_path / "config.yaml", tmp_path)
        stream = io.StringIO()
        ports = Ports(PlanLog(stream), http=Http(QUICK))
        stack.callback(ports.http.close)
        with caplog.at_level(logging.DEBUG, "engine"):
            report = reconcile_once(config, ports, Memory())
        assert report.converged
        shown = Renderer(colour=False).plan(report.plan, report.desired)
        formatter = LogFormatter(Redactor(), as_json=False)
        logged = [formatter.format(record) for record in caplog.records]
    assert MASTER not in shown
    for line in [*shown.splitlines(), *stream.getvalue().splitlines(), *logged]:
        assert line.isprintable(), ascii(line)
    assert all(map(json.loads, stream.getvalue().splitlines()))


def test_the_operator_log_escapes_marks_that_reverse_text() -> None:
    record = logging.LogRecord("engine", 20, __file__, 1, "%s", (UGLY.replace("\n", ""),), None)
    assert LogFormatter(Redactor(), as_json=False).format(record).isprintable()
