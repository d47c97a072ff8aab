"""Scripts that build ``assets/demo`` from openly licensed packages; seeded and resumable."""
