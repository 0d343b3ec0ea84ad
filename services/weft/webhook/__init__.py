"""The webhook: what breaks a rule is refused by the Kubernetes API server itself, before it is stored."""
