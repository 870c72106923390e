"""The dialect of the wire, both ways, for all who speak it: API, uploads, callbacks and console.

fields      what a caller may send, and how it is read
columns     what the columns of lists and exports are called
details     a call as callers read it, each field declared once
rendering   JSON, XML and form
errors      which status an error has, and its body
"""
