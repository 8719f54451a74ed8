"""Questions and orders from a command line: ask the engine, or look into the store; print tables or JSON.

`moments` and `tables` are words for times and rows, `pages` and `asjson` what each command prints (all pure),
`reach` finds who can answer, `follow` goes on listening, `commands` are the commands themselves.
"""
