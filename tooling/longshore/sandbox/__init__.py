"""The local cloud: an AWS that really runs containers, on one machine (design.md, section 7)."""
