"""What a backup is made of: safe files, the manifest, PostgreSQL's programs, the source, the proof."""
