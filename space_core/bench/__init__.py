"""Benchmarks: tables that one command makes anew."""
