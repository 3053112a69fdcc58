"""All three markets at once: a real daemon, real sandboxes, real faults."""
