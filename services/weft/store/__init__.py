"""Where objects live: the fabric's own store, later the Kubernetes API. Past it no code knows which one it is."""
