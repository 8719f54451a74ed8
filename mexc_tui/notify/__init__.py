"""Sends notifications to channels outside the terminal.

Input: facts of the journal, from a subscriber of the event feed that `app/` adds. Output: rows of the outbox
(tables `notifications` and `deliveries`) and HTTP requests to the configured channels. Imports `ports/` and
`model/`; aiohttp only in `http.py`. `selection`, `schedule` and `messages` are pure.
"""
