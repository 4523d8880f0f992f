"""The systems the platform talks to, one module each."""
