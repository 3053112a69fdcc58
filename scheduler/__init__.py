"""erp-scheduler: jobs are rows in PostgreSQL; a daemon plans, claims, runs and records them."""

__version__ = "0.1.0"
