"""数据安全审查: what is answered before a version or an open copy of a dataset opens, and who decides."""
