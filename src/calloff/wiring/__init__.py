"""The composition root: puts the parts together into the processes that the command line starts.

`service` is `calloff serve`, which runs `api`, `webhooks` and `dialer` as children (`supervisor`, `lifeline`);
`database` finds the database, `trunks` makes the concrete trunks, `voice` what talks, `credentials` and `logs` are what
their names say.
"""
