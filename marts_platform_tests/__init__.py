"""The platform's tests, against real servers; they mirror the package."""
