from scheduler.cli.daemon import start_from_script

raise SystemExit(start_from_script())
