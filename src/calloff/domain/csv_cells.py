"""Cells of CSV files that no spreadsheet takes for a formula (OWASP ASVS 5.0, V1.2.10)."""

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "'")


def escape_cell(text: str) -> str:
    """`text` with an apostrophe before it if a spreadsheet might compute it, or if it begins with an apostrophe."""
    return f"'{text}" if text.startswith(_DANGEROUS) else text


def unescape_cell(text: str) -> str:
    """What `escape_cell` made `text` of."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_DANGEROUS) else text
