"""`perf`: latency, throughput and loss between workloads and hosts, and how soon a database has a leader again."""
