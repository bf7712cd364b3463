"""What LanceDB says when it fails, in one line for people: by itself it tells of its insides, at great length. Pure."""

import re

__all__ = ["in_short"]

LONGEST = 200
"""Characters of what is not known here."""

_ADDRESS = re.compile(r"uri: Some\((?P<address>\w+://[^/)]+)")
_CAUSES = (
    (r"BadScheme", "http:// is refused: use https://, or set AWS_ALLOW_HTTP=true"),
    (
        r"CredentialsNotLoaded|no providers in chain",
        "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (r"NoSuchBucket", "there is no such bucket: make it, or set another location"),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Forbidden|Unauthenticated|40[13] ",
        "access is refused: look at the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and their rights",
    ),
    (r"dns error|lookup address", "its name is not known: look at AWS_ENDPOINT and at the network"),
    (
        r"ConnectionRefused|Connection refused",
        "nobody answers there: look at AWS_ENDPOINT and at the network",
    ),
    (
        r"kind: Connect|kind: Timeout|TimedOut|timed out",
        "it cannot be reached: look at AWS_ENDPOINT and at the network",
    ),
)
_PLACES = re.compile(r",? *(?:location: Location \{[^}]*\}|backtrace: \w+|\S*/registry/src/\S*)")


def in_short(error: BaseException) -> str:
    """What is wrong and what to do about it; of what is not known here, how it begins."""
    text = str(error)
    for pattern, cause in _CAUSES:
        if re.search(pattern, text):
            address = _ADDRESS.search(text)
            return f"{address['address']}: {cause}" if address else cause
    line = " ".join(_PLACES.sub("", text).split()) or type(error).__name__
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"
