"""The portal: sessions, the hub's OpenID provider, and the pages for all three kinds of people."""
