"""No secret gets into a log, a plan or an error, whatever happens."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

from engine.state.deployment import MARK

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import Json, RealProxy


def test_no_secret_is_in_any_output(
    servers: Servers,
    installation: Installation,
    litellm: RealProxy,
    unique: str,
    tmp_path: Path,
) -> None:
    keyed = servers.start("openai", [f"a-{unique}", f"b-{unique}"], key=f"first-key-{unique}")
    odd = servers.start("openai", [f"c-{unique}"], key=f'odd"\\key-{unique}')
    secrets = [litellm.key, keyed.key, odd.key, f"second-key-{unique}"]
    artifacts = tmp_path / "artifacts"
    written: list[str] = []

    def sections(number: int, **fields: object) -> list[Json]:
        header, token = f"Bearer header-{number}-{unique}", f'token-"\\é{number}-{unique}'
        secrets.extend((header, token))
        params = {
            "extra_headers": {"Authorization": header, "X-Plain": str(number)},
            "live_token": token,
        }
        return [
            section(keyed, name="box", litellm_params_defaults=params, **fields),
            section(odd, name="odd", litellm_params_defaults={"extra_body": {"my_token": token}}),
        ]

    def run(*arguments: str) -> int:
        outcome = installation.run(*arguments, debug=True)
        written.extend((outcome.stdout, outcome.stderr))
        return outcome.code

    def cycle() -> int:
        return run("run", "--once", "--artifacts", str(artifacts))

    assert keyed.key is not None
    assert odd.key is not None
    installation.write_key("box", keyed.key)
    installation.write_key("odd", odd.key)

    installation.configure(*sections(1))
    assert run("validate") == 0
    assert run("plan") == 2
    assert run("plan", "--json") == 2
    assert cycle() == 0

    installation.configure(*sections(2))
    keyed.key = f"second-key-{unique}"
    assert cycle() == 4, "the key is refused"
    installation.write_key("box", keyed.key)
    assert run("plan", "--json", "--out", str(tmp_path / "plan.json")) == 2
    assert run("apply") == 0

    litellm.patch(litellm.rows_on(keyed.url)[0], {"litellm_params": {"live_token": "by-hand-1"}})
    assert cycle() == 0

    for number, answer in ((3, _quoted), (4, _echoed)):
        installation.tap.answer = answer
        installation.configure(*sections(number))
        keyed.models.append(f"new-{number}-{unique}")
        assert cycle() == 1
        assert run("apply") == 1
    installation.tap.answer = None
    installation.configure(*sections(5, model_format="nosuchprovider/{model}"))
    cycle()
    installation.write_key("litellm", f"sk-wrong-{unique}")
    secrets.append(f"sk-wrong-{unique}")
    assert cycle() == 1

    files = [*artifacts.iterdir(), tmp_path / "plan.json"]
    assert len(files) > 3
    everything = "\n".join([*written, *(file.read_text() for file in files)])
    assert "GET" in everything, "DEBUG=true logs requests"
    for secret in secrets:
        assert secret is not None
        for form in _forms(secret):
            assert form not in everything, f"{secret} as {form}"


def test_secrets_that_litellm_shows_are_sent_rotated_and_never_drift(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    """LiteLLM masks none of these: its rule knows no camelCase, and no model_info."""
    backend = servers.start("openai", [f"m-{unique}"])
    texts = [f"{name}-{unique}" for name in ("body", "list", "info", "file-1", "file-2")]
    number = 71_000_000_000_001

    def configure(rpm: int) -> None:
        params = {
            "rpm": rpm,
            "extra_body": {"apiKey": texts[0], "list": [{"userPassword": texts[1]}], "n": 5},
            "cacheKey": number,
            "extra_headers": {"Authorization": {"secret": "header"}},
        }
        info = {"myToken": texts[2], "access_groups": [f"group-{unique}"]}
        installation.configure(
            section(backend, litellm_params_defaults=params, model_info_defaults=info)
        )

    def written_by(*arguments: str) -> str:
        outcome = installation.run(*arguments)
        return outcome.stdout + outcome.stderr

    installation.write_key("header", texts[3])
    configure(5)
    written = written_by("plan", "--json") + written_by("apply")
    row = litellm.row(backend.url, f"m-{unique}")
    assert row["litellm_params"]["extra_body"]["apiKey"] == texts[0]
    assert row["litellm_params"]["extra_body"]["list"] == [{"userPassword": texts[1]}]
    assert row["model_info"]["myToken"] == texts[2]
    assert row["model_info"]["access_groups"] == [f"group-{unique}"]
    installation.assert_quiet()

    installation.write_key("header", texts[4])
    written += written_by("plan") + written_by("apply")
    installation.assert_quiet()
    answer = litellm.chat(f"m-{unique}")
    assert answer.status_code == 200, answer.text
    assert backend.chats[-1].authorization == texts[4]
    configure(6)
    written += written_by("plan", "--json") + written_by("apply")
    installation.assert_quiet()
    for secret in (*texts, str(number)):
        assert secret not in written
    assert f"group-{unique}" in written


def _quoted(method: str, _path: str, body: bytes) -> tuple[int, bytes] | None:
    """Answer as a LiteLLM that cannot write, and repeats the row in its error."""
    answer = {"error": {"message": f"cannot store {body.decode()}"}}
    return None if method == "GET" else (500, json.dumps(answer).encode())


def _echoed(method: str, _path: str, body: bytes) -> tuple[int, bytes] | None:
    """Answer as a LiteLLM that refuses a write, and sends the request back."""
    return None if method == "GET" else (400, body)


def _forms(secret: str) -> set[str]:
    """Return the forms that a secret may have in a log or a URL."""
    bare = secret.removeprefix("Bearer ")
    return {
        bare,
        json.dumps(bare)[1:-1],
        json.dumps(bare, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(bare)[1:-1])[1:-1],
        repr(bare)[1:-1],
        quote(bare, safe=""),
        base64.b64encode(bare.encode()).decode(),
    }


def test_an_edited_mark_gets_no_key_into_model_info(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    """The reference of a key, which every key holder can read, is not a way to the key."""
    model, key = f"m-{unique}", f"key-{unique}"
    backend = servers.start("openai", [model], key=key)
    installation.write_key("box", key)
    installation.configure(section(backend))
    installation.converge()
    row = litellm.row(backend.url, model)
    mark = row["model_info"][MARK]
    stolen = {"/model_info/note": mark["opaque"]["/litellm_params/api_key"]}
    forged = {"evidence": ["/model_info/note"], "opaque": {**mark["opaque"], **stolen}}
    litellm.patch(row, {"model_info": {MARK: {**mark, **forged, "fingerprint": "f" * 64}}})
    assert [result[2] for result in installation.converge().results] == ["applied"]
    assert key not in json.dumps(litellm.stored_info(litellm.row(backend.url, model)))
    installation.assert_quiet()


def test_an_edited_address_is_shown_without_user_password_and_query(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    model = f"m-{unique}"
    backend = servers.start("openai", [model])
    installation.configure(section(backend))
    installation.converge()
    address = f"http://me:pass-{unique}@127.0.0.1:9/v1?key=query-{unique}"
    litellm.patch(litellm.row(backend.url, model), {"litellm_params": {"api_base": address}})
    shown = [installation.run("plan"), installation.run("plan", "--json")]
    cycle = installation.converge()
    assert cycle.results == [("drifted", model, "applied")]
    assert "http://***@127.0.0.1:9/v1?***" in shown[0].stdout
    for outcome in (*shown, cycle):
        assert f"pass-{unique}" not in outcome.stdout + outcome.stderr
        assert f"query-{unique}" not in outcome.stdout + outcome.stderr
