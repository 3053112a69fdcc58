"""Random faults against real daemons, and a checker that believes only what the handlers and the tables say."""
