"""The life of a dataset after it is published: versions announced and withdrawn, datasets retired and
erased."""
