"""The local cloud: an AWS API on one machine that runs real containers (docs/sandbox.md)."""
