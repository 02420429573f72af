"""TLS alerts of a server."""

import re
import ssl

_CERTIFICATE_ALERT = re.compile(r"ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)")


def refuses_certificate(error: BaseException) -> bool:
    """Return whether an error is the alert by which a server refuses the client's certificate, or the lack of one.

    Under TLS 1.3 it comes after the handshake has succeeded on the client's side.
    """
    return isinstance(error, ssl.SSLError) and _CERTIFICATE_ALERT.search(error.reason or "") is not None
