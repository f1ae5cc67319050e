"""The portal as the hub's OpenID provider: one login for both, authorization code with PKCE."""
