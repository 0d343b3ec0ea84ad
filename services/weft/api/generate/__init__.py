"""What is generated from the kinds: CRDs and reference pages. `make generate` writes, `make lint` compares them."""
