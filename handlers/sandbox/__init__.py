"""Sandbox marketplaces: real HTTP servers that speak the documented protocols, with a catalogue and a stream of orders."""
