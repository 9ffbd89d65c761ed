"""Listings of LiteLLM that are too long, too large or invalid; forged rows and marks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bounds import MAX_DEPTH, MAX_MARKED, MAX_ROW, MAX_ROWS, MAX_ROWS_MEMORY, MAX_SKIMMED
from engine.config.loader import load_config
from engine.errors import EngineError, Garbled
from engine.fakes.litellm_rows import Row
from engine.litellm import compact_rows as keep
from engine.litellm.api import editing_of
from engine.litellm.compact_rows import Rows
from engine.reconcile import Memory, Options, Ports, reconcile_once
from engine.report.plan_log import PlanLog
from engine.state.deployment import MARK
from engine.state.frozen import thaw
from engine.state.mark import read_mark
from engine.transport import body as transport
from engine.transport import json_text
from engine.transport.client_pool import Http
from engine.transport.json_stream import rows_of
from engine.transport.json_text import Text
from tests.pieces import Pieces
from tests.quick import QUICK, examples
from tests.rawserver import Exchange, as_json

from .town import MAX_PEAK, Town, listing, town

# --- listings, each read in a process of its own ---


def real_row(number: int, name: str) -> dict[str, Any]:
    """Return a row of the usual size in LiteLLM: 7 KB, 200 keys, most of them null."""
    info: dict[str, Any] = {f"null_cost_of_something_{key:03}": None for key in range(150)}
    info.update({f"supports_thing_{key}": False for key in range(20)})
    info |= {"id": f"id-{number}", "db_model": True, "mode": "chat", "price": 1.5e-7}
    info |= {"supported_openai_params": [f"parameter_{key}" for key in range(40)]}
    params: dict[str, Any] = {"model": f"openai/m{number}", "api_base": "https://cloud.example/v1"}
    params |= {f"switch_{key}": False for key in range(10)}
    return {"model_name": name, "litellm_params": params, "model_info": info}


@pytest.mark.slow
def test_ten_thousand_real_rows_are_read(tmp_path: Path) -> None:
    texts = [json.dumps(real_row(number, f"m{number}")) for number in range(10_000)]
    texts[0] = json.dumps(real_row(0, "🙂"), ensure_ascii=False)
    body = ('{"data":[' + ",".join(texts) + '],"total_count":10000,"total_pages":1}').encode()
    assert len(body) > 60 << 20
    with town(tmp_path) as place:
        place.configure(url=place.server(listing(body)).url)
        outcome = place.run("plan")
    assert outcome.code == 2, outcome.out
    assert "Plan: 1 to create; 0 left alone." in outcome.out
    assert 0 < outcome.peak < MAX_PEAK / 2, f"{outcome.peak >> 20} MiB"


TINY = b'{"model_name":"a","litellm_params":{"model":"a"},"model_info":{"id":"1"}},'
LISTINGS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a million rows": (lambda: TINY * 1_000_000, f"lists over {MAX_ROWS} models, which is more"),
    "ten million empty rows": (lambda: b"{}," * 10_000_000, f"lists over {MAX_ROWS} models"),
    "a row without end": (lambda: b'{"a":"' + b"x" * (30 << 20), f"has over {MAX_ROW} characters"),
    "a row of many maps": (
        lambda: b"[" + b"{}," * 500_000 + b"1]",
        f"has over {MAX_ROW} characters",
    ),
    "rows of many texts": (
        lambda: b",".join(b'{"model_info":{"a":"%d%s"}}' % (n, b"x" * 300_000) for n in range(300)),
        f"take over {MAX_ROWS_MEMORY >> 20} MiB of memory; see in LiteLLM which rows are not",
    ),
    "rows of many maps": (
        lambda: (b'{"model_info":{"a":[' + b"{}," * 20_000 + b"0]}},") * 400,
        f"take over {MAX_ROWS_MEMORY >> 20} MiB of memory",
    ),
    "a deep row": (lambda: b'{"a":' * 100_000, "nested too deeply"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LISTINGS)
def test_a_listing_beyond_its_bounds_is_refused_with_a_message(tmp_path: Path, case: str) -> None:
    make, message = LISTINGS[case]
    with town(tmp_path) as place:
        litellm = place.server(listing(b'{"data":[' + make().rstrip(b",") + b"]}"))
        place.configure(url=litellm.url)
        outcome = place.run("apply")
        assert {exchange.head[:4] for exchange in litellm.exchanges} == {"GET "}
    assert outcome.code == 1
    assert outcome.out.startswith("error: ")
    assert message in outcome.out
    assert 0 < outcome.peak < MAX_PEAK, f"{outcome.peak >> 20} MiB"


ODD_ROWS: list[Any] = [
    *(None, 5, "row", [], {}, [[]]),
    {"model_name": None, "litellm_params": {"model": "m"}, "model_info": {"id": "1"}},
    {"model_name": "m", "litellm_params": None, "model_info": {"id": "1"}},
    {"model_name": "m", "litellm_params": [], "model_info": {"id": "1"}},
    {"model_name": "m", "litellm_params": {"model": 5}, "model_info": {"id": "1"}},
    {"model_name": "m", "litellm_params": {}, "model_info": {"id": "1"}},
    {"model_name": "m", "litellm_params": {"model": "m"}, "model_info": "x"},
    {"model_name": "m", "litellm_params": {"model": "m"}, "model_info": {"id": 7}},
    {"model_name": "m", "litellm_params": {"model": "m"}, "model_info": {"id": 10**30}},
    {"model_name": "m", "litellm_params": {"model": "m"}, "model_info": {"id": ["1"]}},
]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def place(tmp_path: Path, stack: ExitStack) -> Town:
    return Town(tmp_path, stack)


def test_an_invalid_row_stops_the_cycle_and_the_message_names_it(
    place: Town, subtests: pytest.Subtests
) -> None:
    server = place.server(listing([]))
    place.configure(url=server.url)
    for row in ODD_ROWS:
        with subtests.test(json.dumps(row)[:60]):
            server.script = listing([real_row(0, "m"), row])
            with pytest.raises(EngineError, match=r"data\[1\]"):
                place.cycle()
    assert {exchange.head[:4] for exchange in server.exchanges} == {"GET "}


def test_rows_that_share_an_id_are_left_alone(place: Town) -> None:
    twin = real_row(0, "twin")
    twin["litellm_params"]["api_base"] = place.good.url
    rows = [twin, {**twin, "model_name": "other"}]
    server = place.server(listing(rows))
    place.configure(url=server.url)
    place.good.stop()
    report = place.cycle()
    assert not report.plan.operations
    place.good.start()


def test_a_listing_that_is_too_large_is_refused(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_LISTING", 1 << 20)
    place.configure(url=place.server(listing(b'{"data":[' + b" " * (1 << 20) + b"]}")).url)
    with pytest.raises(Garbled, match="the answer has over 1048576 bytes"):
        place.cycle()


@pytest.mark.parametrize(
    ("health", "message"),
    [
        ({"db": "\x1b[31m" + "x" * 5000}, "database is "),
        ({"db": {"a": ["\x1b"]}}, "database is "),
        ({"db": None}, "database is not reported"),
        ([], "database is not reported"),
    ],
)
def test_the_state_of_the_database_is_shown_without_control_characters(
    place: Town, health: Any, message: str
) -> None:
    place.configure(url=place.server(as_json(health)).url)
    with pytest.raises(EngineError) as error:
        place.cycle()
    assert message in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "version", ["9" * 5000 + ".1", "²." * 9, "\x1b[31m", {"a": 1}, 1.98, "x" * 9999]
)
def test_with_an_unreadable_version_rows_are_replaced(place: Town, version: Any) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.path.startswith("/health"):
            exchange.send(as_json({"db": "connected", "litellm_version": version}))
        else:
            exchange.send(as_json({"data": []}))

    place.configure(url=place.server(script).url)
    ports = Ports(PlanLog(io.StringIO()), http=Http(QUICK))
    place.stack.callback(ports.http.close)
    config = load_config(place.folder / "config.yaml", place.folder)
    assert reconcile_once(config, ports, Memory(), Options(dry_run=True)).plan.operations
    assert isinstance(version, float) or not editing_of(str(version)).in_place


# --- ids that do not fit into a path ---

ODD_IDS = ["", ".", "..", "a/b", "/", "%2e", " ", "?#", "\\"]
ROLES = ["adopted", "duplicate", "surplus"]
UNREACHABLE = "no request can name a row whose id is empty; delete it in LiteLLM's UI or database"


@pytest.mark.parametrize("version", ["1.83.14", "1.106.2", "1.110.2"])
@pytest.mark.parametrize("role", ROLES)
def test_rows_with_odd_ids_stop_nothing(
    tmp_path: Path, stack: ExitStack, version: str, role: str
) -> None:
    """Each row has its own model: one to adopt, one that we registered too, or one not listed."""
    place = Town(tmp_path, stack, version=version)
    names = [f"model-{number}" for number in range(len(ODD_IDS))]
    place.good.models = ["good-1", *(names if role != "surplus" else ())]
    place.configure(limits={"max_delete_fraction": 1}, ownership="exclusive")
    (place.folder / "good").write_text("")  # no key is needed, so rows may be replaced
    if role == "duplicate":
        assert place.cycle().converged
    for row_id, name in [*zip(ODD_IDS, names, strict=True), ("plain", "good-1")]:
        params = {"model": f"openai/{name}", "api_base": f"{place.good.url}/v1", "rpm": 99}
        place.proxy.database.rows[row_id] = Row(row_id, name, params, {"id": row_id})
    theirs = place.proxy.database.rows[""]
    place.proxy.reload()
    assert place.cycle().converged
    again = place.cycle()
    assert not again.plan.operations
    assert place.proxy.database.rows.pop("") is theirs
    assert [(skip.id, skip.reason, skip.because) for skip in again.plan.skips] == [
        ("", "unreachable_id", UNREACHABLE)
    ]
    stored = list(place.proxy.database.rows.values())
    assert all(row.model_info[MARK]["owner"] == "modelprovisioner" for row in stored)
    assert sorted(row.model_name for row in stored) == sorted(place.good.models)


# --- forged marks ---

REVISIONS: list[Any] = [10**30, 10**400, -1, True, "7", 1.5, 1e308, None, [], {}, 2**63]
FORGED: dict[str, dict[str, Any]] = {
    **{f"revision {str(value)[:12]}": {"revision": value} for value in REVISIONS},
    "fields by the thousand": {"fields": [f"/model_info/{n}" for n in range(5000)]},
    "odd fields": {"fields": ["", "/", "//", "///", "/litellm_params/", "/a/b", "~", "/~2/~"]},
    "fields that we need": {"fields": ["/litellm_params/model", "/model_info/id", "/model_info/x"]},
    "fields that are none": {"fields": {"/litellm_params/rpm": 1}},
    "fields of odd types": {"fields": [None, 5, [], {}, ["/litellm_params/rpm"]]},
    "a secret in the depth": {"opaque": {"/litellm_params/" + "a/" * 100_000: "f"}},
    "a secret at a strange index": {"opaque": {"/litellm_params/tags/²": "f"}},
    "a secret at a huge index": {"opaque": {f"/litellm_params/tags/{'9' * 5000}": "f"}},
    "a secret in a text": {"opaque": {"/litellm_params/api_base/x/y": "f"}},
    "a secret for a model": {"opaque": {"/litellm_params/model/x": "f", "/litellm_params/": "g"}},
    "secrets by the thousand": {"opaque": {f"/litellm_params/{n}": "f" for n in range(5000)}},
    "secrets that are none": {"opaque": [["/litellm_params/a", "f"]]},
    "fingerprints of odd types": {"fingerprint": [10**30], "opaque": {"/litellm_params/a": 5}},
    "a deep fingerprint": {"fingerprint": json.loads("[" * 80 + "]" * 80)},
    "a deep backend": {"backend": json.loads('{"a":' * 80 + "1" + "}" * 80)},
    "evidence of odd types": {"evidence": ["/model_info/id", "/model_info/db_model", 5, "/x/y"]},
    "a secret as evidence": {
        "evidence": ["/model_info/note", "/model_info/map"],
        "opaque": {"/model_info/note": "f", "/model_info/map/deep": "g"},
    },
    "a long owner": {"owner": "x" * 100_000},
    "much else": {f"key-{n}": n for n in range(5000)},
    "another one inside": {MARK: {"owner": "x", MARK: {"owner": "y"}}},
}


def stored(place: Town, marks: dict[str, Any]) -> list[Row]:
    """Store two rows with each mark on the endpoint of ``good``, and return them.

    The model of the first one is listed by ``good``, that of the second is not.
    """
    place.good.models = list(marks)
    rows = []
    for name, mark in marks.items():
        for model in (name, f"{name}, not listed"):
            params: dict[str, Any] = {
                "model": f"openai/{model}",
                "api_base": f"{place.good.url}/v1",
                "tags": ["a"],
            }
            rows.append(Row(f"row-{model}", f"named-{model}", params, {"id": f"row-{model}"}))
            rows[-1].model_info[MARK] = mark
            place.proxy.database.rows[rows[-1].model_id] = rows[-1]
    place.proxy.reload()
    return rows


def touched(place: Town, rows: list[Row]) -> list[str]:
    """Return the names of those rows that have changed since they were stored."""
    now = place.proxy.database.rows
    return [row.model_name for row in rows if now.get(row.model_id) is not row]


SOUND = {"backend": "good", "revision": 1, "fields": [], "opaque": {}, "fingerprint": "f" * 32}
KEPT = {"kept-1", "kept-2"}
"""What ``bad`` serves."""


def test_a_forged_mark_of_another_owner_protects_its_row(place: Town) -> None:
    marks = {what: {"owner": "somebody else", **SOUND, **FORGED[what]} for what in FORGED}
    rows = stored(place, marks)
    for _ in range(2):
        assert place.cycle().converged
        assert touched(place, rows) == []
    assert place.rows().keys() >= FORGED.keys() | KEPT


def test_a_forged_mark_of_ours_does_no_harm(place: Town) -> None:
    place.configure(*place.backends, limits={"max_delete_fraction": 1})
    marks = {what: {"owner": "modelprovisioner", **SOUND, **FORGED[what]} for what in FORGED}
    stored(place, marks)
    assert place.cycle().converged
    assert place.cycle().plan.operations == ()
    assert place.rows().keys() >= FORGED.keys() | KEPT


@pytest.mark.parametrize("version", ["1.83.14", "1.110.2"])
def test_our_own_row_is_corrected_whatever_its_mark_has_become(
    tmp_path: Path, stack: ExitStack, version: str
) -> None:
    place = Town(tmp_path, stack, version=version)
    place.good.models = list(FORGED)
    assert place.cycle().converged
    for what, row in place.rows().items():
        if what in FORGED:
            row.model_info[MARK] = {**row.model_info[MARK], **FORGED[what]}
            row.litellm_params["rpm"] = 10**400
    place.proxy.reload()
    assert place.cycle().converged
    assert place.cycle().plan.operations == ()
    assert place.rows().keys() == FORGED.keys() | KEPT


NO_MARKS: dict[str, Any] = {
    "null": None,
    "a number": 5,
    "a text": "owner",
    "a list": [],
    "nothing": {},
    "a number for an owner": {"owner": 5},
    "null for an owner": {"owner": None},
}


def test_a_mark_with_the_reference_of_a_key_does_not_get_the_key_into_model_info(
    place: Town,
) -> None:
    """Every key holder reads the references in marks, and all of ``model_info``."""
    (place.folder / "good").write_text("sk-of-good")
    assert place.cycle().converged
    row = place.rows()["good-1"]
    mark = row.model_info[MARK]
    stolen = {"/model_info/note": mark["opaque"]["/litellm_params/api_key"]}
    forged = {"evidence": ["/model_info/note"], "opaque": {**mark["opaque"], **stolen}}
    row.model_info[MARK] = {**mark, **forged, "fingerprint": "f" * 64}
    place.proxy.reload()
    assert place.cycle().converged
    assert "sk-of-good" not in json.dumps(place.rows()["good-1"].model_info)
    assert place.cycle().plan.operations == ()


def test_a_row_with_an_invalid_mark_is_not_ours(place: Town) -> None:
    place.configure(ownership="marked")
    rows = stored(place, NO_MARKS)
    assert place.cycle().converged
    assert touched(place, rows) == []


def test_a_mark_is_read_only_up_to_its_bounds() -> None:
    many = [f"/model_info/{number:05}" for number in range(2 * MAX_MARKED)]
    opaque = {f"/litellm_params/{number:05}": "f" for number in range(2 * MAX_MARKED)}
    mark = read_mark({"owner": "x", "fields": many, "evidence": many, "opaque": opaque})
    assert mark is not None
    assert len(mark.fields) == len(mark.evidence) == len(mark.opaque) == MAX_MARKED
    deep = {"/litellm_params" + "/a" * steps: "f" for steps in (1, MAX_DEPTH - 1, MAX_DEPTH)}
    mark = read_mark({"owner": "x", "opaque": deep})
    assert mark is not None
    assert len(mark.opaque) == 2


def test_names_of_a_hundred_thousand_characters_do_not_flood_a_terminal(place: Town) -> None:
    row, _ = stored(place, {"good-1": {"owner": "somebody else"}})
    place.proxy.database.rows[row.model_id] = replace(row, model_name="n" * 100_000)
    place.proxy.reload()
    outcome = place.run("plan")
    assert outcome.code == 2
    assert max(map(len, outcome.out.splitlines())) < 1000


# --- reading row by row ---


class Knowing:
    """A keeper of rows that knows none of them."""

    def __init__(self, kept: Callable[[Any], Any]) -> None:
        self._kept = kept

    def recall(self, text: Text) -> list[Any]:
        return []

    def keep(self, member: Any, source: str, end: int) -> Any:
        return self._kept(member)


def read(body: bytes, size: int, kept: Callable[[Any], Any] = lambda row: row) -> Any:
    return rows_of(Pieces(body, size), Knowing(kept))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text() | st.floats(0, 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    rows=st.lists(json_values, max_size=8),
    pages=st.integers(1, 3),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
    size=st.integers(1, 40),
)
def test_a_listing_is_read_like_any_json(
    rows: list[Any], pages: int, indent: int | None, ascii_only: bool, size: int
) -> None:
    document = {"x": rows, "data": rows, "more": {"data": [1]}, "total_pages": pages}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_WINDOW", 16)
        found = read(text.encode(errors="surrogatepass" if ascii_only else "replace"), size)
    expected = json.loads(text.encode(errors="replace"))
    assert found == {"data": expected["data"], "total_pages": pages}


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_number_is_read_whole_even_across_pieces(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(json_text, "_WINDOW", 1)
    for number in ("0.5", "1e-06", "1E+3", "-1.25e-10", "7"):
        body = f'{{"data": [{number}, {{"price": {number}}}, {number}]}}'.encode()
        assert read(body, size) == json.loads(body)


WHOLE = b'{"data": [{"a": 1.5, "b": [true, null]}, 12], "total_pages": 1, "c": "d"} '


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_cut_listing_is_refused(size: int) -> None:
    for end in range(len(WHOLE) - 1):
        with pytest.raises(ValueError, match=r"."):
            read(WHOLE[:end], size)
    assert read(WHOLE, size)["data"][1] == 12


BROKEN = [
    *(b'{"data": [1,]}', b'{"data": [,1]}', b'{"data": [1 2]}', b'{"data": [1]', b'{"data" [1]}'),
    *(b'{"data": [1]}}', b'{"data": [1]} x', b'{"data": [1],}', b'{,"data": [1]}', b"{1: 2}"),
    *(b'{"data": [1}', b"{", b"[", b"", b" ", b"{]", b'{"a": NaN}', b'{"data": [1e999]}'),
    *(b'{"data": [\xff]}', b'{"data": ["\xff"]}', b"\xf0\x9f", b'{"data": [01]}', b"'a'"),
]


@pytest.mark.parametrize("size", [1, 1000])
def test_invalid_json_is_refused(subtests: pytest.Subtests, size: int) -> None:
    for body in BROKEN:
        with subtests.test(repr(body)), pytest.raises(ValueError, match=r"."):
            read(body, size)


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [1], "data": []}',
        b'{"data": null, "data": [1]}',
        b'{"data": {"a": 1}, "data": [1]}',
        b'{"total_pages": 1, "data": [1], "total_pages": 2}',
        b'{"data": [{"model_info": {"id": "a"}, "model_info": {"id": "b"}}]}',
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_listing_with_a_repeated_name_is_refused(body: bytes, size: int) -> None:
    with pytest.raises(Garbled, match="two values"):
        read(body, size)


@pytest.mark.parametrize("document", [[1, 2], None, "data", {}, {"data": None}, {"data": {}}, 7])
def test_json_that_is_not_a_listing_is_returned_as_it_is(document: Any) -> None:
    found = read(json.dumps(document).encode(), 3)
    assert found == ({} if document == {"data": None} else document)


def test_the_greatest_number_of_rows_is_read() -> None:
    body = b'{"data":[' + b",".join([b"1"] * MAX_ROWS) + b"]}"
    assert len(read(body, 65536)["data"]) == MAX_ROWS
    with pytest.raises(Garbled, match="delete those that are not needed"):
        read(body.replace(b"[1", b"[1,1"), 65536)


def test_a_row_of_the_greatest_size_is_read() -> None:
    body = b'{"data":["' + b"x" * (MAX_ROW - 100) + b'"]}'
    assert len(read(body, 65536)["data"][0]) == MAX_ROW - 100


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b'"' + b"x" * MAX_ROW + b'"', f"a row of it has over {MAX_ROW} characters"),
        (b'"' + b"x" * 4 * MAX_ROW, f"a row of it has over {MAX_ROW} characters, or does not end"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=["too large", "without end", "too deep"],
)
def test_a_row_beyond_its_bounds_is_refused(row: bytes, message: str) -> None:
    with pytest.raises(Garbled, match=message):
        read(b'{"data":[' + row + b"]}", 65536)


def test_rows_that_take_too_much_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "MAX_ROWS_MEMORY", 20_000)
    rows = Rows()
    for _ in range(100):
        rows.kept({"model_name": "the same " * 100})
    with pytest.raises(Garbled, match="see in LiteLLM which rows are not needed"):
        rows.kept({"model_name": "x" * 20_000})


@pytest.mark.parametrize(("depth", "kept"), [(MAX_DEPTH - 2, True), (MAX_DEPTH - 1, False)])
def test_a_row_is_read_down_to_a_maximum_depth(depth: int, *, kept: bool) -> None:
    nested: Any = 1
    for _ in range(depth - 1):
        nested = [nested]
    row = {"model_info": {"x": nested}}
    if kept:
        assert Rows().kept(row) == row
    else:
        with pytest.raises(Garbled, match=f"without an id: it is nested over {MAX_DEPTH} levels"):
            Rows().kept(row)


def test_equal_texts_of_rows_are_stored_once() -> None:
    rows = Rows()
    first, second = (
        rows.kept({"model_info": json.loads('{"some key": "some text", "null": null}'), "x": 1})
        for _ in range(2)
    )
    assert first == second == {"model_info": {"some key": "some text"}}
    assert first["model_info"]["some key"] is second["model_info"]["some key"]


# --- one row beyond a bound, which stops nothing ---


def nested(levels: int) -> bytes:
    return b'{"x":' * levels + b"1" + b"}" * levels


BEYOND: dict[str, tuple[bytes, str]] = {
    # what a field of the row holds, and what the skip says of it
    "deep": (nested(MAX_DEPTH), f"nested over {MAX_DEPTH} levels deep"),
    "too deep for the parser": (nested(50_000), f"nested over {MAX_DEPTH} levels deep"),
    "large": (b'"' + b"x" * MAX_ROW + b'"', f"over {MAX_ROW} characters"),
    "of many values": (
        b"[" + b'{"a\\"}":[1,"]"]},' * 100_000 + b"-1e-7]",
        "over 1048576 characters",
    ),
}


def beyond(row: dict[str, Any], value: bytes, part: str) -> bytes:
    """Return the text of a row with a field of a value beyond a bound, as its first one."""
    row = {**row, part: {"FIELD": 0, **row[part]}}
    return json.dumps(row).encode().replace(b'"FIELD": 0', b'"fie\\"ld": ' + value)


def foreign(name: str, api_base: str) -> dict[str, Any]:
    row = real_row(7, name)
    row["litellm_params"]["api_base"] = api_base
    return row


@pytest.mark.parametrize("part", ["litellm_params", "model_info"])
@pytest.mark.parametrize("case", BEYOND)
def test_a_row_beyond_a_bound_is_skipped_and_named_and_stops_no_cycle(
    place: Town, case: str, part: str
) -> None:
    value, why = BEYOND[case]
    row = foreign("by-hand", f"{place.good.url}/v1")
    rows = [json.dumps(real_row(0, "m")).encode(), beyond(row, value, part)]
    server = place.server(listing(b'{"data":[' + b",".join(rows) + b'],"total_pages":1}'))
    place.configure(url=server.url)
    report = place.cycle(dry_run=True)
    assert {op.action for op in report.plan.operations} == {"create"}
    (skip,) = [skip for skip in report.plan.skips if skip.key.name == "by-hand"]
    assert (skip.action, skip.id, skip.reason) == ("update", "id-7", "unreadable")
    assert why in skip.because


def test_a_row_beyond_a_bound_elsewhere_is_named_once_in_the_log(
    place: Town, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        beyond(foreign("cloud", "https://cloud.example/v1"), *BEYOND["deep"][:1], "model_info"),
        beyond(real_row(8, "large"), *BEYOND["large"][:1], "model_info"),
    ]
    server = place.server(listing(b'{"data":[' + b",".join(rows) + b"]}"))
    place.configure(url=server.url)
    memory = Memory()
    for _ in range(2):
        place.cycle(memory, dry_run=True)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 2
    assert "'cloud'" in warned[0]
    assert "id-7" in warned[0]
    assert "'large'" in warned[1]


def test_a_row_beyond_a_bound_is_neither_adopted_nor_deleted_nor_doubled(place: Town) -> None:
    """One with the key, and one with the id, that a row of ours would have; and one not served."""
    empty = place.server(listing([]))
    place.configure(url=empty.url)
    (planned, *_) = place.cycle(dry_run=True).plan.operations
    same_key = thaw(planned.row)
    same_key["model_info"]["id"] = "by-hand"
    same_id = foreign("renamed", "https://cloud.example/v1")
    same_id["model_info"]["id"] = planned.id
    gone = foreign("gone", f"{place.good.url}/v1")
    for others, actions in (
        ([same_key, gone], []),
        ([same_id, gone], ["create"]),
    ):
        texts = [beyond(row, BEYOND["large"][0], "model_info") for row in others]
        server = place.server(listing(b'{"data":[' + b",".join(texts) + b"]}"))
        place.configure(url=server.url)
        plan = place.cycle(dry_run=True).plan
        found = [op for op in plan.operations if op.key.name == planned.key.name]
        assert [op.action for op in found] == actions
        assert planned.id not in [op.id for op in found]
        assert not [op for op in plan.operations if op.key.name == "gone"]


def test_a_row_that_is_far_too_large_or_has_no_id_is_refused() -> None:
    huge = b'{"model_info":{"x":"' + b"x" * (MAX_SKIMMED + MAX_ROW) + b'"}}'
    for row in (
        huge,
        b'{"model_info":{"x":' + nested(MAX_DEPTH) + b"}}",
        b"[" + nested(200) + b"]",
    ):
        with pytest.raises(Garbled):
            rows_of(io.BytesIO(b'{"data":[' + row + b"]}"), Rows())


@settings(max_examples=examples(200), deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text('"\\\\{}[],: a1é'),
        lambda inner: st.lists(inner) | st.dictionaries(st.text('"\\\\}]a'), inner),
    ),
    st.integers(1, 9),
)
def test_what_is_skimmed_ends_where_the_value_ends(value: Any, size: int) -> None:
    """The rows before and after one that is skimmed are read as they are."""
    deep = json.dumps({"model_info": {"v": value, "id": "1", "deep": [[[0]]]}, "w": value})
    deep = deep.replace("[[[0]]]", nested(3000).decode())
    body = f'{{"data": [1, {deep} , "last"], "total_pages": 1}}'.encode()
    found = read(body, size * 1000)
    first, skimmed, last = found["data"]
    assert (first, last, found["total_pages"]) == (1, "last", 1)
    assert skimmed.fields == {"model_info": {"id": "1"}}
