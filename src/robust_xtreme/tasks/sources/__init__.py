"""Data from release files, a suite or the hub, read into examples with stable ids, fingerprints and clusters."""
