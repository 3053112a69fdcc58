"""Names that users of other schedulers know, over the same jobs: ``service``, ``recipe`` and ``tasks``."""
