"""The ledger: releases, their events, the lock and the issued versions."""
