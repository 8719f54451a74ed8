"""Entries and exits as pure logic: sizing, pre-trade checks, reactions to responses, exit decisions."""
