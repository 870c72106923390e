"""Requests to addresses that a user named: callbacks, recordings, documents.

`guard` decides whom we connect to, `client` connects, and bounds what a host can make us wait for or read. Nothing else
in Calloff opens an HTTP connection to an address that somebody typed.
"""
