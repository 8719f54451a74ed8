"""Questions and orders from a command line: ask the engine, or look into the store; print tables or JSON.

To add a command:
1. `desk/asking.py`: its arguments (an `Asked`), its result (rows of `model`), and one `CommandKind` of both.
2. `door.py`: `desk.handle(KIND, handler)`; the handler asks the `Face` and returns `Done(words, result)`.
3. a module of pages: a function `(rows, pen) -> str` that calls `tables.table`. JSON needs nothing.
4. a module of commands: a function with `@click.command()`, `@asked` and `with asking(profile, as_json)
   as asker:` and `asker.show_all(asker.reach.ask(KIND, args).rows, page)`; to act: `asker.tell(KIND, args)`.
5. its name in `commands.COMMANDS`, a line in the README, a test in `tests/cli`.

`asker` is what all commands share: flags, printing, errors, exit codes. `reach` finds who can answer,
`follow` goes on listening. `moments` and `tables` are words for times and rows; `pages`, `facts` and `asjson`
are what is printed. These five are pure.

Of money: `trading_commands` are the commands, `books` finds what is held, `plans` says what a command will
do and `agreeing` asks whether it may; `trading_pages`, `performance_page`, `trading_facts` are printed.
"""
