"""The local cloud: an AWS that really runs containers, on one machine."""
