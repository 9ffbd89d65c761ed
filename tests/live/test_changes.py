"""A changed configuration or key reaches the rows; removed fields are gone."""

from __future__ import annotations

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy


def test_changed_parameter_defaults_reach_every_row(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}", f"b-{unique}"])
    installation.configure(section(backend, litellm_params_defaults={"rpm": 10}))
    installation.converge()

    installation.configure(section(backend, litellm_params_defaults={"rpm": 20, "weight": 2}))
    outcome = installation.converge()
    assert {result[::2] for result in outcome.results} == {("changed", "applied")}
    rows = litellm.rows_on(backend.url)
    assert [row["model_name"] for row in rows] == backend.models
    params = [row["litellm_params"] for row in rows]
    assert [(sent["rpm"], sent["weight"]) for sent in params] == [(20, 2), (20, 2)]
    installation.assert_quiet()


def test_changed_capabilities_reach_only_the_rows_of_their_override(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    seeing, blind = f"vl-{unique}", f"text-{unique}"
    backend = servers.start("openai", [seeing, blind])

    def override(*, vision: bool) -> list[dict[str, object]]:
        return [{"regex": "^vl-", "capabilities": {"supports_vision": vision}}]

    installation.configure(section(backend, overrides=override(vision=False)))
    installation.converge()
    installation.configure(section(backend, overrides=override(vision=True)))
    outcome = installation.converge()
    assert outcome.results == [("changed", seeing, "applied")]
    assert litellm.row(backend.url, seeing)["model_info"]["supports_vision"] is True
    assert not litellm.row(backend.url, blind)["model_info"].get("supports_vision")
    installation.assert_quiet()


def test_a_rotated_key_is_what_the_backend_gets_from_then_on(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"], key=f"first-{unique}")
    installation.write_key("box", f"first-{unique}")
    installation.configure(section(backend))
    installation.converge()
    assert litellm.chat(backend.models[0]).status_code == 200

    backend.key = f"second-{unique}"
    installation.write_key("box", f"second-{unique}")
    outcome = installation.converge()
    assert outcome.results == [("changed", backend.models[0], "applied")]
    answer = litellm.chat(backend.models[0])
    assert answer.status_code == 200, answer.text
    sent = [chat.authorization for chat in backend.chats]
    assert sent == [f"Bearer first-{unique}", f"Bearer second-{unique}"]
    installation.assert_quiet()


def test_a_backend_that_refuses_our_key_keeps_its_deployments(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"], key=f"first-{unique}")
    installation.write_key("box", f"first-{unique}")
    installation.configure(section(backend))
    installation.converge()

    backend.key = f"second-{unique}"
    outcome = installation.converge(degraded=True)
    assert outcome.writes == []
    assert [skip["reason"] for skip in outcome.skips] == ["incomplete"]
    assert "needs a valid key" in outcome.skips[0]["because"]
    assert len(litellm.rows_on(backend.url)) == 1


def test_what_is_removed_from_the_configuration_is_gone_from_litellm(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"])
    installation.configure(
        section(
            backend,
            litellm_params_defaults={"rpm": 10, "weight": 3, "extra_body": {"top_k": 5}},
            model_info_defaults={"mode": "chat", "live_note": "to be removed"},
        )
    )
    installation.converge()
    row = litellm.row(backend.url, backend.models[0])
    assert (row["litellm_params"]["weight"], row["model_info"]["live_note"]) == (3, "to be removed")

    for params, info in (
        ({"rpm": 10}, {"mode": "chat", "live_note": "to be removed"}),
        ({"rpm": 10}, {"mode": "chat"}),
    ):
        installation.configure(
            section(backend, litellm_params_defaults=params, model_info_defaults=info)
        )
        outcome = installation.converge()
        assert outcome.results == [("changed", backend.models[0], "applied")]
        row = litellm.row(backend.url, backend.models[0])
        assert not {"weight", "extra_body"} & row["litellm_params"].keys()
        assert row["litellm_params"]["rpm"] == 10
        assert row["model_info"].get("live_note") == info.get("live_note")
        installation.assert_quiet()
