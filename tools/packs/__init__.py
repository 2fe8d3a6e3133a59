"""The makers of the packs in `perturbations/`, each from named inputs."""
