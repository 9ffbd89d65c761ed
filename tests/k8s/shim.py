"""Stands before kubectl, docker and others in the guide's commands: it plays what no test has.

``kubectl exec ... -- python3 -m engine ...`` runs the engine on this machine, with the ConfigMap
and the Secret that the cluster has, and with fakes for the servers that the configuration names.
Every other kubectl command is the real one. Each command and its exit code is a line in
``$SHIM_LOG``.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def kubectl(*words: str) -> str:
    """Return what the real kubectl prints; raise CalledProcessError if it fails."""
    command = [os.environ["REAL_KUBECTL"], *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def engine(words: list[str]) -> int:
    """Run a command of the engine as it would run in the pod; return its exit code."""
    folder = Path(os.environ["SHIM_POD"])
    objects: list[Any] = [
        json.loads(kubectl("get", *name.split("/"), "--output=json"))
        for name in ("configmap/modelprovisioner-config", "secret/modelprovisioner-secrets")
    ]
    text = str(objects[0]["data"]["config.yaml"])
    for written, there in json.loads(os.environ["SHIM_SERVERS"]).items():
        text = text.replace(written, there)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    for name, value in objects[1]["data"].items():
        (folder / name).write_bytes(base64.b64decode(value))
    named = {
        "MODELPROVISIONER_CONFIG": str(folder / "config.yaml"),
        "MODELPROVISIONER_SECRETS": str(folder),
    }
    command = [sys.executable, "-m", "engine", *words]
    return subprocess.run(command, env={**os.environ, **named}, check=False).returncode


def main(program: str, words: list[str]) -> int:
    """Carry out one command; return its exit code."""
    code = 0
    if program == "kubectl" and words[0] == "exec":
        kubectl("get", words[1])
        command = words[words.index("--") + 1 :]
        if command[:3] == ["python3", "-m", "engine"]:
            code = engine(command[3:])
        else:
            assert command[:2] == ["python3", "-c"], command
            compile(command[2], "command of the guide", "exec")
    elif program == "kubectl" and words[0] == "port-forward":
        kubectl("get", words[1])
    elif program == "kubectl":
        code = subprocess.run([os.environ["REAL_KUBECTL"], *words], check=False).returncode
    with Path(os.environ["SHIM_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps([program, words, code]) + "\n")
    # What a command of the engine ends with is for the test to judge.
    return 0 if program == "kubectl" and words[0] == "exec" else code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).name, sys.argv[2:]))
