"""One module per command. Each has ``run``, which returns the exit code.

:mod:`engine.cli.main` imports only the module of the command that it runs, so that small commands
start fast.
"""
