"""marts_platform: operational data into data marts people trust, on Dagster."""

__version__ = "0.1.0"
