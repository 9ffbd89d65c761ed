"""Writes what is made from other files below ``k8s/``: ``python -m tests.k8s.generate``.

The PrometheusRule holds the rules that a plain Prometheus reads, and the schema of the chart's
values holds that of the configuration.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any, Final

from ..documents import ROOT, read

RULES: Final = "k8s/monitoring/rules.yaml"
RULE_OBJECT: Final = "k8s/monitoring/prometheusrule.yaml"
VALUES_SCHEMA: Final = "k8s/chart/values.schema.json"
_OWN: Final = ("objects", "labels")
_HEAD: Final = """\
# Made from rules.yaml: python -m tests.k8s.generate
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: modelprovisioner
  labels:
    app.kubernetes.io/name: modelprovisioner
spec:
"""


def rule_object() -> str:
    """Return the PrometheusRule with the rules of ``rules.yaml``, comments included."""
    return _HEAD + textwrap.indent(read(RULES), "  ")


def values_schema() -> str:
    """Return the schema of the values, as it is but with the present schema of ``config``."""
    values: dict[str, Any] = json.loads(read(VALUES_SCHEMA))
    config: dict[str, Any] = json.loads(read("schemas/config.schema.json"))
    del config["$schema"]
    own = {name: values["$defs"][name] for name in _OWN}
    # All in one list of definitions: a `$ref` of the configuration then means what it did.
    values["$defs"] = {**own, **config.pop("$defs"), "config": config}
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


MADE: Final = {RULE_OBJECT: rule_object, VALUES_SCHEMA: values_schema}

if __name__ == "__main__":
    for path, make in MADE.items():
        (ROOT / path).write_text(make(), encoding="utf-8")
