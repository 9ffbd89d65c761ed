"""The values of a configuration in which nothing is wrong -> :class:`Config`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..state.frozen import freeze
from ..state.secret import Secret
from ..transport.timing import Connection
from . import parsers
from .checks import SHARED
from .model import KINDS, Backend, Config, Limits, LiteLLM, Override, Selection, Webhook
from .outside.named_files import Files, KeyFile


def make_config(parsed: Mapping[str, Any], files: Files, warnings: tuple[str, ...]) -> Config:
    """Return the configuration of values in which nothing is wrong."""
    litellm = parsed["litellm"]
    return Config(
        litellm=LiteLLM(
            litellm["url"], files.litellm.key, _connection(litellm), litellm["writers"]
        ),
        backends=tuple(
            _backend(given, parsed, key, dict(files.named))
            for given, key in zip(parsed["backends"], files.backends, strict=True)
        ),
        owner=parsed["owner"],
        limits=Limits(**parsed["limits"]),
        on_clash=parsed["on_clash"],
        warnings=warnings,
        unused_keys=files.unused,
        notifications=tuple(_webhook(given, files) for given in parsed["notifications"]),
    )


def _connection(section: Mapping[str, Any]) -> Connection:
    return Connection(section["timeout"], section["verify"], section["ca_file"] or None)


def _webhook(given: Mapping[str, Any], files: Files) -> Webhook:
    url = given["webhook"]
    secret = Secret(url.strip()) if isinstance(url, str) else dict(files.named)[url["secret"]]
    return Webhook(secret, given["format"], tuple(given["on"]))


def _backend(
    given: Mapping[str, Any],
    top: Mapping[str, Any],
    file: KeyFile,
    named: Mapping[str, Secret],
) -> Backend:
    """Return a backend; ``named`` are the secrets of files that the configuration names."""
    shared = {name: given.get(name, top[name]) for name in (*SHARED, "on_taken_name")}
    joinable = given.get("joinable_names", top["joinable_names"])
    aliases = {
        model: [names] if isinstance(names, str) else list(dict.fromkeys(names))
        for model, names in given["aliases"].items()
    }
    return Backend(
        name=given["name"],
        kind=given["type"] if given["type"] in KINDS else KINDS[0],
        url=given["url"],
        key=file.key,
        key_problem=file.problem,
        key_given=file.given,
        connection=_connection(given),
        models_endpoint=given["models_endpoint"],
        model_format=given["model_format"],
        renames=tuple(rule["replace"] for rule in given["regex_rename"]),
        discovery=given["discovery"],
        include=given["filter_regex"],
        exclude=given["exclude_regex"],
        overrides=tuple(
            Override(override["regex"], parsers.capabilities(override["capabilities"]))
            for override in given["overrides"]
        ),
        model_info=parsers.model_info(given["model_info_defaults"]),
        litellm_params=parsers.litellm_params(
            given["generic_params"], given["litellm_params_defaults"], named
        ),
        name_format=given["name_format"],
        aliases=freeze(aliases),
        strip_tag=given["strip_tag"],
        use_slots=given["use_slots"],
        selection=_selection(given),
        models=freeze(dict(map(parsers.static_model, given["models"]))),
        joinable_names=tuple(joinable),
        maintenance=given["maintenance"],
        **shared,
    )


def _selection(given: Mapping[str, Any]) -> Selection:
    return Selection(
        adapters=given["include_adapters"],
        remote=given["include_remote"],
        unloaded=given["include_unloaded"],
        failed=given["include_failed"],
        modes=tuple(given["include_modes"]),
        not_modes=tuple(given["exclude_modes"]),
    )
