"""A whole city on one machine: embedded Postgres and S3, the services, real data, and a guided tour."""
