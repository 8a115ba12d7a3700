"""Patterns of what is found in JSON, for Python and Spark alike."""

# Of a broken sensor: so Python, C and JavaScript write into JSON what it has no word for.
NO_NUMBER = r"([:,\[]\s*)([+-]?(?i:nan|inf(?:inity)?)(?:\(\w*\))?|-?1\.#\w+|undefined)(?=\s*[,}\]])"
# A whole text that is JSON, which begins with { or [.
BASE64 = r"[eW][A-Za-z0-9+/]{3,}={0,2}"
