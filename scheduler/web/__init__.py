"""The dashboard and the REST API: one web process beside the daemon."""
