"""The courier: the one process that sends mails, and knows how to."""
