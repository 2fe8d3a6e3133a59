"""Workers: processes and threads that compute jobs; one supervisor gives them these, on the CPU and on devices."""
