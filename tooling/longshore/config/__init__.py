"""The configuration: settings, the contract, the target of a command, and its actor."""
