"""The delivery of results to their `result_url` (contract, *Callback*).

`worker` takes what is due out of the outbox, host by host, with `turns` saying whose turn it is; `deliver` makes one,
`keys` signs it, `post` sends it (by the one client in `outbound/`), `schedule` says when to try again, `outbox` is the
table.
"""
