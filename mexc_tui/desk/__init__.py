"""Desk API: views, facts, queries and commands for front ends, over one Unix socket.

Engine side: `service` connects an engine; `server` accepts viewers; `viewer` serves one connection;
`command_executor` executes commands once and audits them; `views` and `fact_feed` supply the updates.

Front-end side: `client` keeps a connection, with `mirror` copies of the views; `single_request` sends one
command or fetches one view.

Both sides: `api_types` and the `*_requests` modules define names and types, `wire` the messages,
`private_socket` the socket in the file system.
"""
