"""Whose address a request comes from, seen through the proxies we trust."""

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

IPV6_HOUSEHOLD = 64  # bits that are one customer's: whoever has a /64 has all of its addresses
PSEUDONYM_LENGTH = 32


def client_address(request: HttpRequest) -> str:
    """The address of the client: the socket's, or, where that is a trusted proxy, the last untrusted one it forwarded for.

    Only the part of X-Forwarded-For that trusted proxies wrote is believed; what a client wrote itself lies left of it.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while hops and is_within(peer, settings.TRUSTED_PROXIES):
        peer = hops.pop()
    return peer


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether ``address`` lies in one of ``networks``; what is no address lies in none."""
    try:
        parsed: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped  # how a socket that listens for both kinds names an IPv4 client
    return any(parsed in ipaddress.ip_network(network) for network in networks)


def pseudonym(address: str) -> str:
    """What stands for ``address`` where clients are counted and must not be known; empty for what is no address.

    Addresses of one IPv6 /64 share it. It can not be turned back without the shop's secret key.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        household = ipaddress.ip_network((parsed, IPV6_HOUSEHOLD), strict=False).network_address
        parsed = parsed.ipv4_mapped or household
    return salted_hmac("core.net.pseudonym", str(parsed), algorithm="sha256").hexdigest()[:PSEUDONYM_LENGTH]


def is_address(address: str) -> bool:
    """Whether ``address`` is an IP address at all."""
    return is_within(address, ("0.0.0.0/0", "::/0"))


def is_loopback(address: str) -> bool:
    """Whether ``address`` is this machine's own."""
    return is_within(address, ("127.0.0.0/8", "::1/128"))
