"""The delivery of results to their `result_url` (contract, *Callback*).

`worker` takes what is due out of the outbox, `deliver` sends one, `guard` decides whom we connect to, `keys` signs,
`schedule` says when to try again, `outbox` is the table.
"""
