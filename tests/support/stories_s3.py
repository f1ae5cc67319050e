"""An S3 server with a raw bucket for tests that have a catalogue of their own beside the live ones: whoever
erases a dataset removes all that lies under its name."""

from sandbox.standalone.s3 import S3Server
from sandbox.storage import RawStore


class StoriesS3(S3Server):
    stories_bucket = "cihu-raw-stories"

    @property
    def own_buckets(self) -> tuple[str, ...]:
        return (*super().own_buckets, self.stories_bucket)

    def stories_store(self) -> RawStore:
        """With the vault's keys; its first write makes the bucket."""
        return RawStore(self.endpoint, self.vault.access_key, self.vault.secret_key, self.stories_bucket)
