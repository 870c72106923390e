"""A SIP client (RFC 3261) as machines: they take time and bytes, and give bytes, timers and events; no sockets here.

`user_agent.py` is the door: it holds all calls of a process, is given what the sockets read, and says what to send,
what happened and when to be called again. Read `events.py` and `setup.py` first, then `call.py`.

    message.py headers.py uri.py       read and build messages
    digest.py identity.py              who we are
    sdp.py                             what is offered and agreed (RFC 3264)
    transactions.py server.py          one request and its responses (RFC 3261 section 17)
    dialog.py session.py               what lasts between two sides once there was a response
    call.py                            one attempt to reach somebody: INVITE to the last ACK
    takeover.py                        the end of a call whose dialer died
    registration.py options.py         REGISTER, and OPTIONS that ask whether a trunk is well
    strangers.py                       requests that belong to no call
    framing.py                         messages in a stream (TCP, TLS)

Every time is a float of seconds on one clock that the caller chooses (`boot_time()`), passed in as `now`.
"""
