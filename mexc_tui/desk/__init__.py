"""Desk API for front ends over one Unix socket.

In:  rows of views and the number of the newest fact, put in by the engine on its own loop; handlers of
     commands, and three ports (journal, audit, peer credentials), handed in when the engine is joined.
Out: to each viewer its views (snapshot, then changes, conflated), facts (every one, from any number on) and
     one answer to each command.
It imports `model` and nothing else of ours. The engine is joined to it from outside; faces import it.

`kinds` names what both sides agree on; `wire` is how it travels; `views`, `facts` and `commands` are the
engine's side, `viewer` one connection, `server` the door itself, `place` its name in the file system;
`client`, `mirror` and `ask` are the face's side.
"""
