"""Studies: grids of trainings and evaluations, what is compared in them, and the page of each."""
