"""Passes a browser's upload on to the vault piece by piece: never whole in memory, and never in a file."""

from collections.abc import AsyncIterator

import httpx
from starlette.concurrency import run_in_threadpool

from marketplace.vault import Answer, Vault, document, refusal_of

MOST_FILE_BYTES = 2 * 1024**3
# writing: to the vault, not from the browser, whose line may be slow; reading: the vault's answer at the end
TIMEOUT = httpx.Timeout(connect=10, write=120, read=600, pool=10)


async def pass_on(
    vault: Vault, who: str, *, name: str, pieces: AsyncIterator[bytes], length: str | None
) -> Answer:
    """Stream a file to the vault; what the vault recorded of it.

    `length`: what the browser says of its size, so that the vault can refuse too large a file at once.
    If the browser goes away, `pieces` raises, the connection to the vault is cut, and the vault removes what
    it has.
    Raises what the vault refused with, or `Unavailable`.
    """
    headers = await run_in_threadpool(vault.headers, who)
    headers |= {"Content-Type": "application/octet-stream"} | ({"Content-Length": length} if length else {})
    try:
        # trust_env off: as for every request to the vault
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
            answer = await client.post(
                f"{vault.url}/v1/uploads", params={"name": name}, headers=headers, content=pieces
            )
    except httpx.HTTPError as error:
        raise vault.unreachable(error) from None
    if answer.is_success:
        return document(answer)
    raise refusal_of(answer)
