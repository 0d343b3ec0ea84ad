"""`diagnose` and `env-check`: checks of hosts, subnets and addresses, each with what was found, why, and what to do."""
