"""Log-in through a city's identity provider: the portal as an OpenID Connect client."""
