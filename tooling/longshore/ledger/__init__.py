"""The record: releases, their events, the lock and the versions that were issued."""
