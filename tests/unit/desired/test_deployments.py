"""Configuration and listings as the desired state."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.backends import kinds
from engine.backends.kinds import KINDS as MODULES
from engine.backends.scope import scope_of
from engine.config.loader import load_config
from engine.config.model import KINDS, Config
from engine.config.references import references_of, secret_values
from engine.desired.deployments import desired_state
from engine.litellm.fields import is_price
from engine.state.deployment import DesiredState, Key, Refusal
from engine.state.documents import desired_document
from engine.state.frozen import freeze, thaw
from engine.state.listing import OUTCOMES, Listing, Model
from engine.state.secret import NO_KEY, Secret
from engine.validate import validate

GO_SAMPLE = Path(__file__).parents[3] / "fixtures" / "config" / "go-sample.yaml"
HEAD = "litellm: {url: 'http://litellm:4000'}\nbackends:\n"


def configured(tmp_path: Path, backends: str, **keys: str) -> Config:
    (tmp_path / "litellm").write_text("sk-master-1234")
    for name, key in keys.items():
        (tmp_path / name).write_text(key)
    (tmp_path / "config.yaml").write_text(HEAD + backends)
    return load_config(tmp_path / "config.yaml", tmp_path)


def listed(*ids: str, backend: str = "box", provider: str = "openai") -> Listing:
    models = tuple(Model(text, provider, "http://box:8000/v1") for text in ids)
    return Listing(backend, "ok" if ids else "empty", models)


def state_of(config: Config, *listings: Listing) -> DesiredState:
    state = desired_state(config, listings, scope_of(config.backends), references_of(config))
    validate(desired_document(state), "desired")
    return state


BOX = "  - {name: box, url: 'http://box:8000/v1', %s}\n"


def test_built_in_parameters_beat_the_configuration_and_defaults_beat_generic_ones(
    tmp_path: Path,
) -> None:
    options = (
        "litellm_params_defaults: {rpm: 1, model: x, api_base: y},"
        " generic_params: {rpm: 2, timeout: 3, api_key: z}"
    )
    state = state_of(configured(tmp_path, BOX % options), listed("m"))
    params = thaw(state.deployments[0].fields["litellm_params"])
    assert params.pop("api_key").keys() == {"$secret"}
    assert params == {
        "model": "openai/m",
        "api_base": "http://box:8000/v1",
        "rpm": 1,
        "timeout": 3,
    }


def test_the_first_override_that_matches_wins_over_the_defaults(tmp_path: Path) -> None:
    options = (
        "model_info_defaults: {mode: chat, x: 1},"
        " overrides: [{regex: '^n', capabilities: {x: 2}}, {regex: 'm', capabilities: {x: 3}},"
        " {regex: '.', capabilities: {x: 4}}]"
    )
    state = state_of(configured(tmp_path, BOX % options), listed("m"))
    assert thaw(state.deployments[0].fields["model_info"]) == {"mode": "chat", "x": 3}


def test_a_null_in_an_override_takes_a_default_away(tmp_path: Path) -> None:
    options = "model_info_defaults: {x: 1}, overrides: [{regex: m, capabilities: {x: null}}]"
    state = state_of(configured(tmp_path, BOX % options), listed("m"))
    assert thaw(state.deployments[0].fields["model_info"]) == {}


def test_filters_search_anywhere_and_exclusion_wins(tmp_path: Path) -> None:
    options = "filter_regex: 'a|b', exclude_regex: 'b$'"
    state = state_of(configured(tmp_path, BOX % options), listed("xa", "ab", "c"))
    assert [wanted.key.name for wanted in state.deployments] == ["xa"]
    assert state.endpoints[0].served == ("ab", "c", "xa")
    assert ("ab", "openai/ab") in state.endpoints[0].excluded


def test_a_secret_is_a_reference_that_only_the_sender_can_resolve(tmp_path: Path) -> None:
    options = "litellm_params_defaults: {extra_headers: {Authorization: Bearer abc-123-def}}"
    config = configured(tmp_path, BOX % options, box="sk-box-1234\n")
    state = state_of(config, listed("m"))
    text = json.dumps(desired_document(state))
    assert "sk-box" not in text
    assert "abc-123" not in text
    params = state.deployments[0].fields["litellm_params"]
    secrets = secret_values(references_of(config))
    assert secrets[params["api_key"]["$secret"]] == Secret("sk-box-1234")
    header = params["extra_headers"]["Authorization"]["$secret"]
    assert secrets[header] == Secret("Bearer abc-123-def")
    assert thaw(state.deployments[0].mark.opaque) == {
        "/litellm_params/api_key": params["api_key"]["$secret"],
        "/litellm_params/extra_headers/Authorization": header,
    }


def test_a_backend_without_a_key_gets_a_placeholder(tmp_path: Path) -> None:
    config = configured(tmp_path, BOX % "")
    reference = state_of(config, listed("m")).deployments[0].fields["litellm_params"]["api_key"]
    assert reference == {"$secret": NO_KEY}
    assert secret_values(references_of(config))[NO_KEY].reveal() == "BLANK"


def test_the_fingerprint_follows_every_field_and_the_key(tmp_path: Path) -> None:
    marks = []
    for options, key in [
        ("", "a1234"),
        ("", "b1234"),
        ("litellm_params_defaults: {rpm: 1}", "a1234"),
    ]:
        state = state_of(configured(tmp_path, BOX % options, box=key), listed("m"))
        marks.append(state.deployments[0].mark)
    assert len({mark.fingerprint for mark in marks if mark}) == 3


def test_prices_move_to_where_litellm_reads_them(tmp_path: Path) -> None:
    options = "model_info_defaults: {input_cost_per_token: 0.5, tiered_pricing: [1], mode: chat}"
    fields = state_of(configured(tmp_path, BOX % options), listed("m")).deployments[0].fields
    assert thaw(fields["model_info"]) == {"mode": "chat"}
    assert fields["litellm_params"]["input_cost_per_token"] == 0.5
    assert fields["litellm_params"]["tiered_pricing"] == (1,)


def test_long_and_unprintable_names_are_made_usable(tmp_path: Path) -> None:
    state = state_of(configured(tmp_path, BOX % ""), listed("a\tb\x1b[31m", "x" * 10_000))
    names = [wanted.key.name for wanted in state.deployments]
    assert names == ["a_b_[31m", "x" * 255]
    assert state.deployments[1].key.upstream == "openai/" + "x" * 10_000


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("on_unreachable", ["keep", "remove"])
def test_only_a_good_list_proves_absence(tmp_path: Path, outcome: str, on_unreachable: str) -> None:
    config = configured(tmp_path, BOX % f"on_unreachable: {on_unreachable}")
    state = state_of(config, Listing("box", outcome, detail="why"))
    gone = on_unreachable == "remove" and outcome in ("unreachable", "not_ready")
    assert state.endpoints[0].complete == (outcome in ("ok", "empty") or gone)


def test_one_bad_backend_on_an_endpoint_makes_it_incomplete(tmp_path: Path) -> None:
    backends = BOX % "" + "  - {name: box2, url: 'http://box:8000'}\n"
    config = configured(tmp_path, backends)
    bad = Listing("box2", "unreachable", detail="refused")
    (site,) = state_of(config, listed("m"), bad).endpoints
    assert (site.complete, site.outcome, site.backends) == (False, "unreachable", ("box", "box2"))


def test_the_later_backend_decides_for_a_model_that_both_list(tmp_path: Path) -> None:
    backends = BOX % "model_format: 'one/{model}'"
    backends += "  - {name: box2, url: 'http://box:8000', model_format: 'two/{model}'}\n"
    state = state_of(configured(tmp_path, backends), listed("m"), listed("m", backend="box2"))
    assert [wanted.key.upstream for wanted in state.deployments] == ["two/m"]


def test_every_kind_that_may_be_configured_can_be_asked() -> None:
    """A kind is the module of its name; one that is missing in either place is noticed."""
    folder = Path(kinds.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if "\nROUTES" in path.read_text()}
    assert modules == set(MODULES) == set(KINDS) - {"auto", "static"}


def modelled(text: str = "m", **changes: Any) -> Listing:
    """Return a sound list of one model."""
    model = replace(Model(text, "openai", "http://box:8000/v1"), **changes)
    return Listing("box", "ok", (model,))


def test_each_backend_needs_its_list(tmp_path: Path) -> None:
    config = configured(tmp_path, BOX % "")
    scope = scope_of(config.backends)
    with pytest.raises(ValueError, match="shorter"):
        desired_state(config, (), scope, {})


def test_a_filtered_model_hides_none_that_follow(tmp_path: Path) -> None:
    state = state_of(configured(tmp_path, BOX % "exclude_regex: '^a'"), listed("a", "b", "ab"))
    assert [wanted.key.name for wanted in state.deployments] == ["b"]


def test_a_listed_model_that_is_not_selected_is_refused_once_under_each_name(
    tmp_path: Path,
) -> None:
    backends = BOX % "aliases: {m: x}" + "  - {name: box2, url: 'http://box:8000'}\n"
    remote = modelled(remote=True)
    state = state_of(configured(tmp_path, backends), remote, replace(remote, backend="box2"))
    why = "it runs in a cloud, not here (include_remote: false)"
    assert state.refusals == tuple(
        Refusal(Key("http://box:8000", name, "openai/m"), "excluded", why) for name in ("m", "x")
    )
    assert state.deployments == ()
    assert state.endpoints[0].excluded == (("m", "openai/m"), ("x", "openai/m"))


WAYS = freeze({"": ("openai", "http://box:8000/v1"), "rerank": ("hosted_vllm", "http://box:8000")})


@pytest.mark.parametrize(
    ("options", "info", "upstream", "api_base"),
    [
        ("", {}, "openai/m", "http://box:8000/v1"),
        ("", {"mode": "chat"}, "openai/m", "http://box:8000/v1"),
        ("", {"mode": "rerank"}, "hosted_vllm/m", "http://box:8000"),
        ("model_info_defaults: {mode: rerank}", {}, "hosted_vllm/m", "http://box:8000"),
        (
            "model_info_defaults: {mode: chat}",
            {"mode": "rerank"},
            "openai/m",
            "http://box:8000/v1",
        ),
        (
            "overrides: [{regex: m, capabilities: {mode: rerank}}]",
            {"mode": "chat"},
            "hosted_vllm/m",
            "http://box:8000",
        ),
    ],
)
def test_the_way_to_a_model_is_that_of_its_mode(
    tmp_path: Path, options: str, info: dict[str, Any], upstream: str, api_base: str
) -> None:
    model = modelled(info=freeze(info), ways=WAYS, provider="other", api_base="http://box:8000/x")
    (wanted,) = state_of(configured(tmp_path, BOX % options), model).deployments
    params = wanted.fields["litellm_params"]
    assert (wanted.key.upstream, params["model"]) == (upstream, upstream)
    assert params["api_base"] == api_base


def test_a_model_with_one_way_is_reached_so_whatever_its_mode(tmp_path: Path) -> None:
    model = modelled(info=freeze({"mode": "rerank"}), ways=freeze({"chat": ("x", "http://y")}))
    (wanted,) = state_of(configured(tmp_path, BOX % ""), model).deployments
    assert wanted.key.upstream == "openai/m"
    assert wanted.fields["litellm_params"]["api_base"] == "http://box:8000/v1"


@pytest.mark.parametrize(
    ("options", "upstream", "predecessor"),
    [
        ("type: ollama", "ollama_chat/m", "ollama/m"),
        ("type: vllm", "other/m", "hosted_vllm/m"),
        ("type: llamacpp", "other/m", "openai/m"),
        ("type: vllm, model_format: 'x/{model}'", "x/m", "x/m"),
    ],
)
def test_the_predecessor_gave_a_model_the_provider_of_its_type(
    tmp_path: Path, options: str, upstream: str, predecessor: str
) -> None:
    model = modelled(provider=upstream.partition("/")[0])
    (wanted,) = state_of(configured(tmp_path, BOX % options), model).deployments
    assert (wanted.key.upstream, wanted.predecessors) == (upstream, (predecessor,))


TOLD = freeze({"mode": "chat", "max_tokens": 5, "supports_vision": True, "price": None})


def test_what_was_told_is_evidence_unless_the_configuration_rules_it(tmp_path: Path) -> None:
    options = "model_info_defaults: {max_tokens: 9, tier: a}"
    (wanted,) = state_of(configured(tmp_path, BOX % options), modelled(info=TOLD)).deployments
    assert thaw(wanted.fields["model_info"]) == {
        "mode": "chat",
        "max_tokens": 9,
        "supports_vision": True,
        "tier": "a",
    }
    assert wanted.mark.evidence == ("/model_info/mode", "/model_info/supports_vision")
    assert wanted.mark.fields == (
        "/litellm_params/api_base",
        "/litellm_params/api_key",
        "/litellm_params/model",
        "/model_info/max_tokens",
        "/model_info/mode",
        "/model_info/supports_vision",
        "/model_info/tier",
    )
    assert wanted.decided == ("max_tokens", "tier")
    assert (wanted.discovers, wanted.mark.revision) == (True, 0)


def test_without_discovery_only_the_mode_is_evidence(tmp_path: Path) -> None:
    config = configured(tmp_path, BOX % "discovery: false")
    (wanted,) = state_of(config, modelled(info=TOLD)).deployments
    assert thaw(wanted.fields["model_info"]) == {"mode": "chat"}
    assert wanted.mark.evidence == ("/model_info/mode",)
    assert wanted.discovers is False


def test_the_fingerprint_follows_the_configuration_but_not_what_was_told(tmp_path: Path) -> None:
    def fingerprint(options: str, info: Any = TOLD) -> str:
        listing = modelled(info=info)
        (wanted,) = state_of(configured(tmp_path, BOX % options), listing).deployments
        return wanted.mark.fingerprint

    assert fingerprint("") == fingerprint("", freeze({"mode": "chat", "max_tokens": 7}))
    different = [
        "",
        "discovery: false",
        "model_info_defaults: {max_tokens: 5}",
        "model_info_defaults: {max_tokens: 6}",
        "overrides: [{regex: m, capabilities: {max_tokens: null}}]",
        "litellm_params_defaults: {max_tokens: 5}",
    ]
    assert len({fingerprint(options) for options in different}) == len(different)


def test_a_static_model_has_the_fields_that_its_list_says(tmp_path: Path) -> None:
    options = "type: static, models: [{id: m, mode: rerank}, n]"
    config = configured(tmp_path, BOX % options)
    infos = [
        thaw(wanted.fields["model_info"])
        for wanted in state_of(config, listed("m", "n")).deployments
    ]
    assert infos == [{"mode": "rerank"}, {}]


@pytest.mark.parametrize(
    ("options", "slots", "registered"),
    [
        ("use_slots: true", 4, 4),
        ("use_slots: true", 0, None),
        ("use_slots: false", 4, None),
        ("use_slots: true, litellm_params_defaults: {max_parallel_requests: 2}", 4, 2),
    ],
)
def test_slots_limit_parallel_requests_where_that_is_wanted(
    tmp_path: Path, options: str, slots: int, registered: int | None
) -> None:
    state = state_of(configured(tmp_path, BOX % options), modelled(slots=slots))
    params = state.deployments[0].fields["litellm_params"]
    assert params.get("max_parallel_requests") == registered


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("input_cost_per_token", True),
        ("cache_read_input_token_cost", True),
        ("tiered_pricing", True),
        ("cost", False),
    ],
)
def test_prices_are_known_by_their_names(name: str, price: bool) -> None:
    assert is_price(name) == price


def test_secrets_inside_lists_are_references_as_well(tmp_path: Path) -> None:
    options = "litellm_params_defaults: {extra_body: {tokens: [{api_key: sk-inner-1234}, 5]}}"
    config = configured(tmp_path, BOX % options)
    params = state_of(config, listed("m")).deployments[0].fields["litellm_params"]
    (reference,) = [
        reference
        for reference, secret in secret_values(references_of(config)).items()
        if secret.reveal() == "sk-inner-1234"
    ]
    expected = {"tokens": [{"api_key": {"$secret": reference}}, 5]}
    assert thaw(params["extra_body"]) == expected


def test_a_list_that_is_partly_unreadable_proves_no_absence(tmp_path: Path) -> None:
    (site,) = state_of(configured(tmp_path, BOX % ""), replace(listed("m"), partial=True)).endpoints
    assert (site.complete, site.outcome) == (False, "ok")


def test_an_endpoint_has_what_its_backends_say_and_their_rules(tmp_path: Path) -> None:
    box = BOX % "policy: upsert-only, ownership: marked"
    backends = box + box.replace("box,", "a,") + box.replace("box,", "c,")
    listings = [
        replace(listed("m"), detail="one is odd"),
        listed("n", backend="a"),
        Listing("c", "invalid", detail="no JSON"),
    ]
    (site,) = state_of(configured(tmp_path, backends), *listings).endpoints
    assert (site.policy, site.ownership) == ("upsert-only", "marked")
    assert site.backends == ("a", "box", "c")
    assert (site.outcome, site.detail) == ("invalid", "box: one is odd; c: no JSON")
    assert site.served == ("m", "n")


def test_what_is_filtered_out_is_known_under_our_upstream_and_the_predecessors(
    tmp_path: Path,
) -> None:
    config = configured(tmp_path, BOX % "type: ollama, filter_regex: x, aliases: {m: y}")
    (site,) = state_of(config, listed("m", "x", provider="ollama_chat")).endpoints
    assert site.excluded == (
        ("m", "ollama/m"),
        ("m", "ollama_chat/m"),
        ("y", "ollama/m"),
        ("y", "ollama_chat/m"),
    )


# What regex_rename changes.

RENAMED = "regex_rename: [{regex: '-32b$', replace: '-7b'}, {regex: '^.*/(a)', replace: 'x/$1'}]"


def test_each_rule_renames_the_whole_upstream_that_the_rule_before_left(tmp_path: Path) -> None:
    state = state_of(configured(tmp_path, BOX % RENAMED), listed("a-32b", "b-32b", "c"))
    assert [(wanted.key.name, wanted.key.upstream) for wanted in state.deployments] == [
        ("a-32b", "x/a-7b"),
        ("b-32b", "openai/b-7b"),
        ("c", "openai/c"),
    ]
    assert [wanted.fields["litellm_params"]["model"] for wanted in state.deployments] == [
        "x/a-7b",
        "openai/b-7b",
        "openai/c",
    ]


def test_model_format_is_renamed_as_well(tmp_path: Path) -> None:
    options = "model_format: 'y/{model}', regex_rename: [{regex: ^y, replace: z}]"
    (wanted,) = state_of(configured(tmp_path, BOX % options), listed("m")).deployments
    assert (wanted.key.name, wanted.key.upstream) == ("m", "z/m")


def test_a_renamed_model_is_served_under_its_id_and_its_new_name(tmp_path: Path) -> None:
    (site,) = state_of(configured(tmp_path, BOX % RENAMED), listed("a-32b", "c")).endpoints
    assert (site.served, site.renamed) == (("a-32b", "c"), ("a-7b",))


def test_a_constant_model_format_is_served_as_well(tmp_path: Path) -> None:
    config = configured(tmp_path, BOX % "model_format: openai/fixed")
    (site,) = state_of(config, listed("a", "b")).endpoints
    assert (site.served, site.renamed) == (("a", "b"), ("fixed",))


def test_the_go_program_gave_a_model_the_renamed_upstream_or_before_the_rule_the_plain_one(
    tmp_path: Path,
) -> None:
    options = "type: ollama, regex_rename: [{regex: -32b, replace: -7b}]"
    config = configured(tmp_path, BOX % options)
    first, second = state_of(config, listed("a-32b", "b", provider="ollama_chat")).deployments
    assert (first.key.upstream, first.predecessors) == (
        "ollama_chat/a-7b",
        ("ollama/a-7b", "ollama/a-32b"),
    )
    assert second.predecessors == ("ollama/b",)


def test_a_filtered_model_is_known_under_its_renamed_upstreams(tmp_path: Path) -> None:
    options = "exclude_regex: a, regex_rename: [{regex: -32b, replace: -7b}]"
    (site,) = state_of(configured(tmp_path, BOX % options), listed("a-32b")).endpoints
    assert site.excluded == (("a-32b", "openai/a-32b"), ("a-32b", "openai/a-7b"))


@pytest.mark.parametrize("replace", ["''", "$0$0$0$0$0"])
def test_a_model_that_the_rules_leave_no_usable_upstream_is_refused(
    tmp_path: Path, replace: str
) -> None:
    options = f"regex_rename: [{{regex: '.*aa.*', replace: {replace}}}]"
    state = state_of(configured(tmp_path, BOX % options), listed("a" * 1000, "b"))
    assert [wanted.key.name for wanted in state.deployments] == ["b"]
    (refusal,) = state.refusals
    assert refusal.key.upstream == "openai/" + "a" * 1000
    assert refusal.because == (
        "its upstream would be empty, or longer than 4096 characters (regex_rename)"
    )


@pytest.mark.parametrize(
    "options",
    [
        "model_format: openai/x, aliases: {a: n, b: n}",
        "regex_rename: [{regex: '/.*', replace: /x}], aliases: {a: n, b: n}",
    ],
)
def test_models_that_share_name_and_upstream_are_registered_once(
    tmp_path: Path, options: str
) -> None:
    state = state_of(configured(tmp_path, BOX % options), listed("a", "b"))
    names = [wanted.key.name for wanted in state.deployments]
    assert names == ["a", "b", "n"]
    assert {wanted.key.upstream for wanted in state.deployments} == {"openai/x"}


def test_of_models_that_share_name_and_upstream_the_last_in_the_file_is_registered(
    tmp_path: Path,
) -> None:
    options = "model_format: openai/x, aliases: {a: n, b: n}, litellm_params_defaults: {rpm: %d}"
    backends = BOX % (options % 1) + (BOX % (options % 2)).replace("name: box", "name: box2")
    config = configured(tmp_path, backends)
    state = state_of(config, listed("a", "b"), listed("a", backend="box2"))
    marks = {wanted.key.name: wanted.mark.backend for wanted in state.deployments}
    assert marks == {"a": "box2", "b": "box", "n": "box2"}


def test_a_configuration_of_the_go_program_gives_its_rows(tmp_path: Path) -> None:
    """The upstreams that the Go program gives to these models (GO-CONTRACT.md, 1.3)."""
    (tmp_path / "litellm").write_text("sk-master-1234")
    config = load_config(GO_SAMPLE, tmp_path)
    ids = [("Qwen/qwen2.5-coder-32b", "Qwen/Qwen3-8B"), ("llama3:8b",), ("gpt-oss:20b",)]
    listings = [
        Listing(
            backend.name,
            "ok",
            tuple(Model(text, "hosted_vllm", backend.url) for text in listed_ids),
        )
        for backend, listed_ids in zip(config.backends, ids, strict=True)
    ]
    state = state_of(config, *listings)
    assert {wanted.key.name: wanted.key.upstream for wanted in state.deployments} == {
        "Qwen/qwen2.5-coder-32b": "hosted_vllm/Qwen/qwen2.5-coder-7b",
        "Qwen/Qwen3-8B": "hosted_vllm/Qwen/Qwen3-8B",
        "llama3:8b": "ollama_chat/llama3:8b",
        "gpt-oss:20b": "openai/gpt-oss:20b",
    }
    assert all(wanted.key.upstream in wanted.predecessors for wanted in state.deployments)
