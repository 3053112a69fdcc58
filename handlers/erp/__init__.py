"""Our side: save what was collected, each time an idempotent upsert that an older answer never overwrites."""
