"""Names the network that counts as one origin where strangers are counted: an IPv4 address, or the /64 that a
household or firm has of IPv6 (RFC 6177)."""

from ipaddress import IPv6Address, ip_address, ip_network

ELSEWHERE = "elsewhere"


def network_of(address: str, *, ipv6_bits: int = 64) -> str:
    """The network of an address as text, such as "192.0.2.1/32" or "2001:db8::/64"; "elsewhere" for what is
    no address. An IPv4 address that is written as IPv6 is its IPv4 address."""
    try:
        at = ip_address(address.partition("%")[0])
    except ValueError:
        return ELSEWHERE
    if isinstance(at, IPv6Address):
        if at.ipv4_mapped is None:
            return str(ip_network((int(at), ipv6_bits), strict=False))
        at = at.ipv4_mapped
    return f"{at}/32"
