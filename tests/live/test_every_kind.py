"""Every kind of backend, played from recordings, with a real LiteLLM."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

import pytest

from engine.backends.kinds import KINDS
from engine.state.endpoint import canonical_endpoint

from ..recorded import BELOW_A_PATH, url_of, with_models
from .conftest import Servers
from .installation import Installation
from .real_proxy import RealProxy


@pytest.mark.parametrize("automatic", [False, True], ids=["configured", "auto"])
def test_every_kind_gets_one_row_per_model_and_then_no_write(
    servers: Servers,
    installation: Installation,
    litellm: RealProxy,
    unique: str,
    *,
    automatic: bool,
) -> None:
    backends = []
    for kind in KINDS:
        cases = with_models(kind)
        for number, case in enumerate(cases if kind in BELOW_A_PATH else cases[:1]):
            url = servers.record(case)
            path = urlsplit(url_of(case)).path
            section = {
                "name": f"{kind}-{number}",
                "type": "auto" if automatic else kind,
                "url": url + path,
                "include_remote": True,
                "name_format": f"{{model}}-{unique}",
            }
            if "models_endpoint" in case:
                section["models_endpoint"] = case["models_endpoint"]
            backends.append(section)
    installation.configure(*backends)
    # One recording of Ollama has nothing but its list of models, by which it is not recognised.
    first = installation.converge(degraded=automatic)
    rows = [row for url in servers.sites for row in litellm.rows_on(url)]
    created = [operation for operation in first.operations if operation["action"] == "create"]
    assert len(rows) == len(created) > len(KINDS)
    keys = Counter(
        (row["model_name"], canonical_endpoint(row["litellm_params"]["api_base"])) for row in rows
    )
    assert set(keys.values()) == {1}
    for _ in range(2):
        installation.assert_quiet(degraded=automatic)
