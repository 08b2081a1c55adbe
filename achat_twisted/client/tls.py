"""TLS: the certificates to believe, and to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from achat_twisted.client.errors import AddressError

if TYPE_CHECKING:
    from ssl import SSLContext


def make_context(
    ca: str | None = None, cert: str | None = None, key: str | None = None
) -> SSLContext:
    """A context that believes a server only if its certificate names its host and is vouched for.

    @param ca: the path of a PEM file with the authorities to believe; None for the system's own.
    @param cert: the path of a PEM file with the client's certificate, and those that vouch for it.
    @param key: the path of its key, if that is not in the same file; without a passphrase.
    @raise AddressError: if one of them cannot be read, or does not fit.
    """
    import ssl  # which takes 10 ms, and not everybody needs it

    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise AddressError(f"cannot read the authorities in {ca}: {_why(error)}") from None
    if cert is not None:
        try:
            context.load_cert_chain(cert, key, password=lambda: "")  # it would ask the terminal
        except OSError as error:
            raise AddressError(f"cannot use the certificate in {cert}: {_why(error)}") from None
    return context


def _why(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)
