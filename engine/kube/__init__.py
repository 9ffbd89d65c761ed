"""Kubernetes, only where `--leader-election` asks for it: one leader by a Lease, and Events."""
