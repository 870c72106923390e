"""The web console: pages for people, served from the package, without a request to anywhere else."""
