"""What the service costs and how punctual it is, measured against the bare SQL of its own protocol in the same run."""
